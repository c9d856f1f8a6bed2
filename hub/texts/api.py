"""Texts of the API's problems, by key: `api.SORT` the title, `api.SORT.remedy` what to do.

Apart from `hub.texts`, so that a running hub, which serves no API, need not hold them.
"""

from collections.abc import Mapping
from typing import Final

from hub.texts import Language

EN_API: Final[dict[str, str]] = {
    "api.key_missing": "The request has no Idempotency-Key",
    "api.key_missing.remedy": "Send the header Idempotency-Key with 1 to 128 visible ASCII "
    "characters, a new one for each new request and the same one for each retry.",
    "api.unauthorized": "No valid token",
    "api.unauthorized.remedy": "Send Authorization: Bearer TOKEN with a token that is neither "
    "expired nor revoked; `gashub token add` on the gateway makes one.",
    "api.forbidden": "The token may not do this",
    "api.forbidden.remedy": "Ask the gateway's operator for a token with the scope that is named.",
    "api.other_site": "The token is for other sites",
    "api.other_site.remedy": "Write one of the token's own sites into the order, as `site`.",
    "api.absent": "There is no such thing",
    "api.absent.remedy": "Check the number or name; what belongs to another site is not shown.",
    "api.method": "Not by this method",
    "api.method.remedy": "Use one of the methods in the header Allow.",
    "api.too_slow": "The body came too slowly",
    "api.too_slow.remedy": "Send it again at once, with the same Idempotency-Key.",
    "api.conflict": "What is there speaks against it",
    "api.conflict.remedy": "Look at the present state, and do what the detail says.",
    "api.refused": "The regulations refuse it",
    "api.refused.remedy": "See `refusals`: each names its clause and what is missing.",
    "api.stale": "Another version stands",
    "api.stale.remedy": "Get it again, look at what has changed, and amend that, with its ETag.",
    "api.too_large": "The body is too large",
    "api.too_large.remedy": "Send less at a time; files go to /v1/files.",
    "api.unusable": "The request cannot be used",
    "api.unusable.remedy": "Correct what the detail names, and send it again.",
    "api.reused": "The Idempotency-Key stood for another request",
    "api.reused.remedy": "Take a new key for each new request.",
    "api.version_missing": "The request does not say which version it amends",
    "api.version_missing.remedy": "Send If-Match with the ETag that came when you got it.",
    "api.too_many": "Too many requests",
    "api.too_many.remedy": "Wait as long as Retry-After says.",
    "api.failed": "A fault of the API",
    "api.failed.remedy": "Send it again with the same Idempotency-Key; if it stays, tell the "
    "gateway's operator the time: the log has the rest.",
    "api.unavailable": "The hub does not answer now",
    "api.unavailable.remedy": "Send it again after Retry-After, with the same Idempotency-Key: "
    "what was done already is not done twice.",
}
ZH_CN_API: Final[dict[str, str]] = {
    "api.key_missing": "请求缺少 Idempotency-Key",
    "api.key_missing.remedy": "请在请求头 Idempotency-Key 中给出 1 至 128 个可见 ASCII 字符："
    "新请求用新键，重试用同一个键。",
    "api.unauthorized": "没有有效的令牌",
    "api.unauthorized.remedy": "请发送 Authorization: Bearer 令牌，令牌须未过期、未吊销；"
    "在网关上用 `gashub token add` 生成。",
    "api.forbidden": "该令牌无此权限",
    "api.forbidden.remedy": "请向网关管理员申请带有所述权限的令牌。",
    "api.other_site": "该令牌属于其他站点",
    "api.other_site.remedy": "请在工单的 `site` 中写明该令牌所属的站点。",
    "api.absent": "没有这个对象",
    "api.absent.remedy": "请核对编号或名称；属于其他站点的内容不予显示。",
    "api.method": "不支持此方法",
    "api.method.remedy": "请使用 Allow 头中列出的方法。",
    "api.too_slow": "请求体发送过慢",
    "api.too_slow.remedy": "请立即用同一个 Idempotency-Key 重新发送。",
    "api.conflict": "与现有状态冲突",
    "api.conflict.remedy": "请查看当前状态，并按详情处理。",
    "api.refused": "规程不允许",
    "api.refused.remedy": "见 `refusals`：每一条都列明条款和所缺内容。",
    "api.stale": "版本已变",
    "api.stale.remedy": "请重新获取，查看变化，再用新的 ETag 修改。",
    "api.too_large": "请求体过大",
    "api.too_large.remedy": "请分次发送；文件请上传到 /v1/files。",
    "api.unusable": "请求无法使用",
    "api.unusable.remedy": "请更正详情所指之处，再重新发送。",
    "api.reused": "该 Idempotency-Key 已用于另一请求",
    "api.reused.remedy": "每个新请求请使用新的键。",
    "api.version_missing": "请求未说明修改的是哪个版本",
    "api.version_missing.remedy": "请用 If-Match 发送获取时得到的 ETag。",
    "api.too_many": "请求过多",
    "api.too_many.remedy": "请按 Retry-After 所示等待。",
    "api.failed": "接口自身故障",
    "api.failed.remedy": "请用同一个 Idempotency-Key 重新发送；如仍失败，"
    "请把时间告知网关管理员，日志中有详情。",
    "api.unavailable": "网关程序暂不应答",
    "api.unavailable.remedy": "请在 Retry-After 之后用同一个 Idempotency-Key 重新发送："
    "已完成的不会重复执行。",
}
API: Final[Mapping[Language, Mapping[str, str]]] = {"zh": ZH_CN_API, "en": EN_API}
