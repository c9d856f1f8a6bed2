"""中文文本：作业步骤为何被拒绝，以及下一步怎么办。各句都有 `clause`。"""

from typing import Final

ZH_CN_JOBS: Final[dict[str, str]] = {
    # -- 作业状态
    "job.refused.ended": "作业已结束（{ended}），不能再做任何步骤（条款 {clause}）：请新开作业",
    "job.refused.not_here": "按现有情况和回答，“{step}”不适用于本作业（条款 {clause}）："
    "请继续其他步骤",
    "job.refused.phase": "“{step}”只能在以下阶段进行：{phases}；作业现处于：{phase}"
    "（条款 {clause}）：请先完成通向该阶段的步骤",
    "job.refused.done": "“{step}”已经完成，不重复进行（条款 {clause}）：请继续下一步",
    "job.refused.no_visit": "“{step}”须在现场进行，现无人到场或已离场（条款 {clause}）："
    "请先登记到场",
    "job.refused.visit_open": "“{step}”是到场，而上一次到场尚未结束（条款 {clause}）：请先登记离场",
    "job.refused.after": "“{step}”须在“{before}”之后，而后者尚未进行（条款 {clause}）："
    "请先做“{before}”",
    "job.refused.undone": "“{step}”须在“{before}”之后，而后者已失效：{why}（条款 {clause}）："
    "请重做“{before}”",
    "job.refused.not_in_order": "“{step}”须在“{before}”之后，而后者结果不合格（条款 {clause}）："
    "请先整改，再重做“{before}”",
    "job.refused.count": "“{step}”要求“{asked}”在 {wanted} 个不同日期的结果为 {answer}，"
    "现有 {days} 个（条款 {clause}）：请另择日期再次上门",
    "job.refused.tries": "“{step}”已连续 {again} 次无结论（条款 {clause}）："
    "再次检测前须由主管完成“{decides}”",
    # -- 人员
    "job.refused.stranger": "{by} 不在人员名册中（条款 {clause}）：请由名册内人员进行，"
    "或先登记 {by}",
    "job.refused.no_certificate": "{by} 没有{role}（条款 {clause}）：请由持证人员进行，"
    "或先登记证书",
    "job.refused.certificate_expired": "{by} 的{role}（{number}）已于 {until} 到期"
    "（条款 {clause}）：请由证书有效的人员进行，或先登记新证书",
    "job.refused.no_supervisor": "{by} 中没有主管，而此事须由主管决定（条款 {clause}）：请找主管",
    "job.refused.own_work": "{by} 做过本作业的其他步骤，不能审批自己的工作（条款 {clause}）："
    "请找另一位主管",
    "job.refused.one_person": "此事须由两人决定，现只有 {by}（条款 {clause}）：请写明第二人",
    # -- 须有效的检测结论
    "job.refused.need_absent": "“{step}”须有有效的“{test}”合格结论，现没有结论（条款 {clause}）："
    "请进行检测",
    "job.refused.need_over": "“{step}”须有有效的“{test}”；其合格结论已失效：{why}"
    "（条款 {clause}）：请重新检测",
    "job.refused.need_failed": "“{step}”须有有效的“{test}”，其最新结论为 {verdict}"
    "（条款 {clause}）：请查明原因，处理后重新检测",
    "job.refused.need_section": "“{step}”须有管段 {wanted} 的有效“{test}”；现有结论属于管段 "
    "{section}（条款 {clause}）：请检测工单所列管段",
    "job.refused.need_old": "“{step}”须有有效的“{test}”；合格结论已超过 {length}"
    "（条款 {clause}）：请重新检测",
    "job.refused.need_visit": "“{step}”须有本次到场的“{test}”；合格结论属于上一次到场"
    "（条款 {clause}）：请重新检测",
    "job.refused.need_clock": "“{step}”须有有效的“{test}”；其后时钟停走或有误，无法确定结论的时间"
    "（条款 {clause}）：请校准时钟并重新检测",
    "job.refused.need_worked": "“{step}”须有有效的“{test}”；检测开始后管道上有过作业，"
    "或其他作业在该管段检测不合格（条款 {clause}）：请重新检测",
    # -- 通知
    "job.refused.notice_absent": "“{step}”须提前 {length} 完成“{notice}”，现无记录"
    "（条款 {clause}）：请发出通知、登记并等待",
    "job.refused.notice_late": "“{step}”须提前 {length} 完成“{notice}”，时间未到"
    "（条款 {clause}）：请等待",
    "job.refused.notice_clock": "“{step}”须提前 {length} 完成“{notice}”；其后时钟停走或有误，"
    "无法确定已过多久（条款 {clause}）：请校准时钟并重新通知",
    "job.refused.no_notice": "“{notice}”不是本作业所需的通知（条款 {clause}）：请查看作业步骤",
    "job.refused.not_waivable": "“{notice}”任何人都不能免除（条款 {clause}）：请发出通知并等待",
    "job.refused.no_reason": "没有写明免除通知的原因（条款 {clause}）：请写明原因",
    # -- 回答
    "job.refused.unasked": "此处不问“{question}”（条款 {clause}）；所问的是：{asked}",
    "job.refused.unanswered": "“{asks}”（{question}）没有回答（条款 {clause}）：请回答",
    "job.refused.answer_text": "“{asks}”（{question}）：不接受 {value}（条款 {clause}）："
    "请填一行文字，最多 {most} 个字符",
    "job.refused.names_somebody": "“{asks}”（{question}）：疑似含有电话或身份证号码"
    "（条款 {clause}），而此处内容不能删除：请删去；用户的电话请填在"
    "作业单的用户信息（customer）中，形似电话的文件编号请用斜线隔开",
    "job.refused.answer_choice": "“{asks}”（{question}）：{value} 不是可选答案（条款 {clause}）："
    "请选 {options} 之一",
    "job.refused.answer_number": "“{asks}”（{question}）：{value} 不是数字（条款 {clause}）："
    "请填数字，可带小数点",
    "job.refused.answer_file": "“{asks}”（{question}）：{value} 不是文件的 SHA-256"
    "（条款 {clause}）：请提交照片或扫描件本身",
    "job.refused.answer_time": "“{asks}”（{question}）：{value} 不是时间（条款 {clause}）："
    "请按 2026-11-24T18:00:00+08:00 的形式填写",
    "job.refused.answer_future": "“{asks}”（{question}）：{value} 尚未到来（条款 {clause}）："
    "请填实际时间，或检查时钟",
    "job.refused.answer_hazard": "“{asks}”（{question}）：{value} 不在隐患目录中，"
    "隐患只用目录表述（条款 {clause}）：请填代码，如 L1-1",
    "job.refused.answer_items": "“{asks}”（{question}）：{value} 不是检查表（条款 {clause}）："
    "请逐项回答",
    "job.refused.items_missing": "“{asks}”（{question}）：漏项 {items}（条款 {clause}）："
    "请逐项回答，不得缺项",
    "job.refused.items_strange": "“{asks}”（{question}）：检查表中没有 {items}（条款 {clause}）："
    "请按检查表回答",
    "job.refused.answer_item": "“{asks}”（{question}）：{item} 的回答为 {value}（条款 {clause}）："
    "请答 ok、not_ok 或 not_applicable；hazard、remark、photo 为文字",
    "job.refused.item_hazard_ok": "“{asks}”（{question}）：{item} 合格却写了隐患（条款 {clause}）："
    "请去掉隐患，或答 not_ok",
    "job.refused.item_hazard": "“{asks}”（{question}）：{item} 不合格，但没有写明是哪项隐患"
    "（条款 {clause}）：请写明 {hazards} 之一",
    "job.refused.answer_above": "“{asks}”（{question}）：{value} 不大于 {other}（条款 {clause}）："
    "请重读两个读数；表不走字即为故障",
    # -- 时限
    "job.length.hours": "{length} 小时",
    "job.length.before_hours": "{length} 小时",
    "job.length.natural_days": "{length} 天",
    "job.length.same_day": "当日",
    "job.length.from_day": "{length} 个日历日",
    "job.length.years": "{length} 年",
    "job.none": "无",
    # -- 作业或检测开始之前
    "job.refused.user_class": "“{job}”适用于 {classes}，工单为 {user_class}"
    "（条款 {clause}）：请按该类用户的章节下单",
    "job.refused.open_point": "制度未明确：{text}。规则包 {pack} 未作规定"
    "（open_point.{point}，条款 {clause}）：请由公司在自己的规则包中规定",
    "job.refused.not_signed_off": "制度未明确：{text}。规则包 {pack} 的规定只是建议，尚无人签认"
    "（open_point.{point}，条款 {clause}）：请由公司签认自己的规则包",
    "job.refused.no_test": "工单没有检测“{step}”的内容（条款 {clause}）："
    "请用 `gashub job test` 补充",
    "job.refused.no_calibration": "“{step}”：工单未给出 {instrument} 的校准有效期"
    "（条款 {clause}）：请换用校准有效期明确的仪器，或补录",
    "job.refused.calibration_over": "“{step}”：{instrument} 的校准已于 {until} 到期"
    "（条款 {clause}）：请换用其他仪器",
    "job.refused.file_absent": "{question}：本机没有文件 {value}（条款 {clause}）："
    "请先提交文件本身",
    # -- 做完一步之后须知道的
    "job.note.not_in_order": "“{step}”已记录，但不合格：{asks}（条款 {clause}）："
    "作业不能据此继续，请整改后重做“{step}”",
    "job.note.hazard": "已另立隐患作业 {job}：{code} {hazard}（条款 {clause}）：请逐步处理，"
    "见 `gashub job show {job}`",
    # -- 作业：屏幕与引导
    "job.screen.done": "已完成",
    "job.screen.open": "可执行",
    "job.screen.waiting": "不可  ",
    "job.screen.apart": "不适用",
    "job.screen.deadlines": "期限",
    "job.screen.hazards": "隐患",
    "job.guide.nothing": "现在没有可执行的步骤：原因见上",
    "job.guide.which": "做哪一步（编号或名称，回车离开）",
    "job.guide.waiting": "现在不可（输入名称看原因）：{names}",
    "job.guide.choice": "请输入方括号中的一个答案",
    "job.guide.unknown": "{said}：没有这个编号或名称",
    "job.guide.needed": "此项必须回答；q 返回",
    "job.guide.no_file": "{said}：没有这个文件，请给出照片或扫描件的路径",
    "job.guide.hazard": "属于哪一项隐患",
    "job.guide.event": "检测进行中：输入操作（{events}），回车刷新，q 离开",
}
