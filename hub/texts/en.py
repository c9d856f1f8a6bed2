"""English texts."""

from typing import Final

EN: Final[dict[str, str]] = {
    # -- the verdict's sentence
    "judge.PASS": "{procedure}: passed. {why}.",
    "judge.FAIL": "{procedure}: failed. {why}.",
    "judge.INCONCLUSIVE": "{procedure}: no verdict, test again. {why}.",
    "judge.ABORTED": "{procedure}: aborted. {why}.",
    "judge.and": "; ",
    "judge.details": " ({details})",
    "judge.list": ", ",
    # -- procedures
    "judge.procedure.riser_hold": "Riser hold test",
    "judge.procedure.indoor_hold": "Indoor hold test",
    "judge.procedure.post_repair_hold": "Hold test after repair",
    "judge.procedure.commercial_hold": "Commercial hold test",
    "judge.procedure.safe_to_work": "Safe to work",
    "judge.procedure.purge_complete": "Purge",
    "judge.procedure.degas_complete": "De-gassing",
    "judge.procedure.laser_screen": "Outdoor laser screen",
    # -- why it passed
    "judge.pass.hold": "The pressure fell {drop_raw_pa} Pa in {hold_s} s, "
    "{limit_pa} Pa are allowed",
    "judge.pass.corrected": "corrected for temperature and barometer {drop_corr_pa} Pa",
    "judge.pass.uncorrected": "uncorrected: without gas temperature and barometer, "
    "warming or a weather change may hide a drop",
    "judge.pass.safe_to_work": "Every reading at every point is below the work limit",
    "judge.pass.purge_complete": "Three samples in a row reach the criterion",
    "judge.pass.degas_complete": "Three samples in a row are low enough",
    "judge.pass.laser_screen": "No anomaly was found outdoors; "
    "this is no inspection of the dwelling",
    # -- why not: holds
    "judge.reason.order": "The order does not allow a verdict",
    "judge.reason.instrument": "The instrument cannot be relied on",
    "judge.reason.no_liveness": "The gauge was not seen to follow the pressure",
    "judge.reason.clock": "Time ran backwards or jumped in the readings",
    "judge.reason.conflict": "One sequence number came with two different contents",
    "judge.reason.data_gap": "Readings are missing",
    "judge.reason.too_short": "The readings end before the required time",
    "judge.reason.pressure_low": "The hold began below the required pressure",
    "judge.reason.repressurised": "The pipe was pumped up during the hold",
    "judge.reason.rise": "The pressure rose: warming, a valve letting by, or the pump connected",
    "judge.reason.vented": "The pressure was let off before the end",
    "judge.reason.resolution": "The drop is closer to the limit than one step of the gauge",
    "judge.reason.masked": "The reading stands still, but warming hides a drop",
    "judge.reason.environment": "The fall is explained by temperature or barometer",
    "judge.reason.environment_unknown": "The fall may be weather, and no sensor says otherwise",
    "judge.reason.settling": "The fall fades: the pipe had not settled",
    "judge.reason.drop": "The pressure fell {drop_raw_pa} Pa, {limit_pa} Pa are allowed",
    "judge.reason.cannot_hold": "The pipe does not hold the required pressure",
    # -- why not: gas
    "judge.reason.at_or_over_limit": "Gas at or over the work limit: do not work, ventilate",
    "judge.reason.unit": "The readings are in a unit that this check does not take",
    "judge.reason.points": "Points are missing, or they took too long together",
    "judge.reason.dwell": "Not long enough at a point",
    "judge.reason.unusable": "Readings were unusable (warming up, fault or the like)",
    "judge.reason.spacing": "The samples follow each other too soon",
    "judge.reason.not_reached": "Three good samples in a row were not reached",
    "judge.reason.expired": "The three samples span too long a time",
    "judge.reason.anomaly": "Methane above background at an opening: check again today, indoors",
    "judge.reason.strong_anomaly": "Strong methane signal at an opening: treat as a leak",
    "judge.reason.invalid": "The screen is not valid",
    # -- why stopped
    "judge.reason.abort": "Stopped by the operator",
    "judge.reason.instrument_fault": "The instrument failed",
    "judge.reason.gas_alarm": "Gas alarm",
    "judge.reason.abnormal_pressure": "Abnormal line pressure: stop and report",
    # -- what is wrong with the order
    "judge.detail.p_req": "required pressure so low that a failing drop could not occur",
    "judge.detail.p_design_pa": "design pressure absent or not positive",
    "judge.detail.p_operating_pa": "operating pressure absent or not positive",
    "judge.detail.p_level": "only an indoor section may be tested at operating pressure",
    "judge.detail.medium": "fuel gas is no test medium here",
    "judge.detail.section.part": "the section does not suit the procedure",
    "judge.detail.volume_l": "volume not positive",
    "judge.detail.sample_period_s": "sample period not positive",
    "judge.detail.rule_pack": "the rule pack was not in force on that day",
    # -- what is wrong with the instrument
    "judge.detail.gauge_absent": "no pressure instrument",
    "judge.detail.detector_absent": "no instrument for this quantity",
    "judge.detail.calibration_absent": "no calibration date",
    "judge.detail.calibration_expired": "calibration expired",
    "judge.detail.range_absent": "no range declared",
    "judge.detail.range_small": "range too small",
    "judge.detail.range_reached": "readings at the end of the range",
    "judge.detail.resolution_absent": "no resolution declared",
    "judge.detail.resolution_coarse": "resolution too coarse",
    "judge.detail.resolution_seen": "the readings step more coarsely than allowed",
    "judge.detail.uncertainty_unclear": "uncertainty without a unit, or negative",
    "judge.detail.no_usable_reading": "no usable reading, or none with a unit",
    "judge.detail.zero_absent": "no zero before the test",
    "judge.detail.zero_off": "zero before the test is off",
    "judge.detail.zero_drift": "zero drifted during the test",
    "judge.detail.climate_absent": "temperature or barometer sensor without readings",
    "judge.detail.not_zeroed": "no zero or self-test before the first reading",
    "judge.detail.lel_basis": "LEL basis not positive",
    "judge.detail.t90": "response time negative",
    "judge.detail.lel_instrument": "a %LEL instrument cannot show that gas has replaced the air",
    "judge.detail.oxygen_absent": "nitrogen was used and no oxygen instrument is declared",
    # -- a running test
    "progress.top_up": "Below required {p_req_pa} Pa, now {now_pa} Pa: top up",
    "progress.role.ceiling": "No point under the ceiling is complete yet",
    "progress.role.suspect": "No point at a suspected leak is complete yet",
    # -- what was handed in and is not taken
    "entry.file": "{file} is evidence of order {order} already (attempt {attempt}). A recording "
    "serves one test: hand in the recording of this test, or do the test again",
    "entry.series": "{file}: {instrument} has the same times and values as what is evidence of "
    "order {order} already (attempt {attempt}), whatever the file looks like now. Hand in the "
    "recording of this test, or do the test again",
    "entry.times": "{file}: {instrument} is evidence of order {order} already (attempt {attempt}) "
    "for {first} to {last}, and these times overlap. Hand in a recording of other times, whole "
    "and once, or do the test again",
    "entry.photo": "this photo stands for an earlier reading already, of order {order} (attempt "
    "{attempt}). Take a photo of the scale at each reading",
    "entry.early": "{file} begins at {first}, before order {order} was known here ({known}). "
    "Export the part after that from the logger, if the whole test is in it; else do the test "
    "again with the order open. Without a network `gashub order add FILE` adds an order on the "
    "spot: first the order and its events, then the recording",
    "entry.several": "{file} has instruments of orders {orders}, all of them open. A recording "
    "serves one test: export one file for each order",
    "entry.decided": "order {order}: attempt {attempt} is decided and takes nothing more. Open "
    "another one with `gashub order open`",
    # -- what the doctor finds; KEY.do is what to do about it
    "doctor.state.ok": "ok      ",
    "doctor.state.warning": "warning ",
    "doctor.state.broken": "BROKEN  ",
    "doctor.config.good": "The configuration {file} is good",
    "doctor.config.fault": "The configuration cannot be used: {why}",
    "doctor.config.fault.do": "Correct it; `gashub check` lists every fault with its place",
    "doctor.config.untried": "{file} was not looked at further: not all of its plugins load",
    "doctor.config.untried.do": "Mend the plugins first; then run `gashub doctor` again",
    "doctor.config.doubt": "In the configuration: {why}",
    "doctor.config.doubt.do": "Look whether it is meant so; `gashub check` says the same",
    "doctor.plugin.loads": "Loads, version {version}, brings {kinds}",
    "doctor.plugin.broken": "Does not load: {why}",
    "doctor.plugin.broken.do": "Install or correct it, or take it out of hub.plugins",
    "doctor.rules.good": "Rule pack {pack} is good, in force from {first}",
    "doctor.rules.early": "Rule pack {pack} is in force only from {first}",
    "doctor.rules.early.do": "Set hub.rule_pack to one that is in force, or look whether the "
    "clock is right",
    "doctor.rules.late": "Rule pack {pack}, from {first}, was in force until {last}",
    "doctor.rules.late.do": "Have its owner release a newer one, and name that in hub.rule_pack",
    "doctor.secret.there": "Secret {secret} is there",
    "doctor.secret.unseen": "Whether secret {secret} is there cannot be seen from here",
    "doctor.secret.unseen.do": "Run `gashub doctor` as root to look at it",
    "doctor.secret.misplaced": "A secret itself stands where the name of one belongs (not shown)",
    "doctor.secret.misplaced.do": "Put it into a file that the unit loads, name that here, and "
    "change the secret: whoever read the file knows it",
    "doctor.secret.missing": "Secret {secret} is neither the file {file} nor ${variable}",
    "doctor.secret.missing.do": "Write it, give it to the unit with LoadCredential, and restart "
    "the hub",
    "doctor.service.watched": "The hub runs (pid {pid}), and systemd starts it again when it is "
    "stuck for {s} s",
    "doctor.service.none": "No hub runs: nobody listens at {socket}",
    "doctor.service.none.do": "Start it: systemctl start gashub; then journalctl -u gashub -n 50",
    "doctor.service.hidden": "Whether a hub runs cannot be seen from here: {why}",
    "doctor.service.hidden.do": "Run `gashub doctor` as root or as the hub's user",
    "doctor.service.stuck": "The hub (pid {pid}) took the question and gave no answer in {why} s",
    "doctor.service.stuck.do": "Keep its log (journalctl -u gashub), then: systemctl restart "
    "gashub",
    "doctor.service.refuses": "A hub runs and does not let this user ask: {why}",
    "doctor.service.refuses.do": "Run `gashub doctor` as root or as the hub's user",
    "doctor.service.unseen": "The hub runs (pid {pid}); whether systemd watches it cannot be seen "
    "from here",
    "doctor.service.unseen.do": "Run `gashub doctor` as root or as the hub's user",
    "doctor.service.by_hand": "The hub (pid {pid}) was not started by systemd: nobody starts it "
    "again",
    "doctor.service.by_hand.do": "Install the unit (systemd/README.md) and start it by systemctl",
    "doctor.service.no_watchdog": "The hub (pid {pid}) is not watched: systemd would not notice "
    "that it is stuck",
    "doctor.service.no_watchdog.do": "Put WatchdogSec=30 into the unit, as the shipped one has it",
    "doctor.store.whole": "The record is whole as far as a start looks: {entries} entries, head "
    "and key fit",
    "doctor.store.part": "The record is whole as far as {s} s of checking came: {entries} "
    "entries, head and key fit",
    "doctor.store.none": "There is no record yet; the first start makes {db}",
    "doctor.store.unseen": "The record {db} cannot be looked at from here without leaving files "
    "beside it",
    "doctor.store.unseen.do": "Run `gashub doctor` as the hub's user, or while the hub runs",
    "doctor.store.refuses": "The hub takes no entries: {why}",
    "doctor.store.refuses.do": "docs/operator.md, States, says what to do for each; nothing is "
    "acknowledged meanwhile",
    "doctor.store.damaged": "The record is damaged: {why}",
    "doctor.store.damaged.do": "Copy the state folder away before anything else; then `gashub "
    "ledger verify --file COPY`",
    "doctor.disk.room": "{folder} has {free_mib} MiB free, {reserve_mib} MiB of them in reserve",
    "doctor.disk.unseen": "The state folder {folder} cannot be seen from here",
    "doctor.disk.unseen.do": "Run `gashub doctor` as root or as the hub's user",
    "doctor.disk.absent": "The state folder {folder} is not there",
    "doctor.disk.absent.do": "The shipped unit makes it at the first start; else create it for "
    "the hub's user",
    "doctor.disk.read_only": "{folder} is mounted read-only: nothing can be recorded",
    "doctor.disk.read_only.do": "Look at the kernel's log; an SD card turns read-only when it is "
    "worn out: replace it",
    "doctor.disk.full": "{folder} has {free_mib} MiB free, less than the reserve of {reserve_mib} "
    "MiB: readings are refused",
    "doctor.disk.full.do": "Make room, but do not touch ledger.* and device.*",
    "doctor.disk.short": "{folder} has {free_mib} MiB free; beyond the reserve of {reserve_mib} "
    "MiB that is less than the {month_mib} MiB of a month",
    "doctor.disk.short.do": "Make room or put in a larger disk before the month is over",
    "doctor.disk.volatile": "{folder} is on {kind}: the record is lost when the machine stops",
    "doctor.disk.volatile.do": "Put hub.state_dir on a disk",
    "doctor.disk.unmeasured": "How long {folder} takes for a sync cannot be measured from here",
    "doctor.disk.unmeasured.do": "Run `gashub doctor` as the hub's user",
    "doctor.disk.slow": "A sync takes {ms} ms: readings wait for the disk",
    "doctor.disk.slow.do": "Use a better card or an SSD; raise commit_linger_ms until then",
    "doctor.disk.sync": "A sync takes {ms} ms",
    "doctor.clock.kept": "The clock shows {now} and is kept by a time service",
    "doctor.clock.free": "The clock shows {now}, and no time service keeps it",
    "doctor.clock.free.do": "Switch one on: timedatectl set-ntp true, with a server that this "
    "network reaches",
    "doctor.clock.untold": "The clock shows {now}; whether a time service keeps it cannot be "
    "seen from here",
    "doctor.clock.untold.do": "Look at `timedatectl`",
    "doctor.clock.old": "The clock shows {now}, before this program was installed ({built})",
    "doctor.clock.old.do": "Set the clock; a battery for it, or a time service, keeps it through "
    "a power cut",
    "doctor.clock.behind": "The clock shows {now}, before the newest entry of the record ({last})",
    "doctor.clock.behind.do": "Set the clock; a start now would end open tests ABORTED",
    "doctor.clock.apart": "Clock and hub time are {apart_s} s apart: the clock was moved while "
    "the hub ran, and hub time never steps",
    "doctor.clock.apart.do": "Restart the machine when no test is open; a restart of the hub "
    "alone keeps its time",
    "doctor.port.free": "{port} is there, may be used, and is held by nobody",
    "doctor.port.held": "{port} is there and may be used; the hub runs",
    "doctor.port.missing": "{port} is not there ({why})",
    "doctor.port.missing.do": "Plug the adapter in, or correct `port`; `ls -l /dev/serial/by-id` "
    "shows what is there",
    "doctor.port.unclear": "Which adapter is meant is not clear: {why}",
    "doctor.port.unclear.do": "Plug the adapter in, or name it in full",
    "doctor.port.no_device": "{port} is no serial device",
    "doctor.port.no_device.do": "Correct `port`",
    "doctor.port.forbidden": "{port} may not be used by user {user}: it belongs to group {group}",
    "doctor.port.forbidden.do": "usermod -a -G {group} {user} (port {port}), then restart the hub",
    "doctor.port.busy": "{port} is held by {holder}",
    "doctor.port.busy.do": "End that program, or give the line another port",
    "doctor.port.unstable": "{port} is a name that depends on the order of plugging",
    "doctor.port.unstable.do": "Use the adapter's name in /dev/serial/by-id, or "
    "usb:VENDOR:PRODUCT:SERIAL",
    "doctor.instrument.lost": "Instrument {instrument} gives no readings: {why}",
    "doctor.instrument.lost.do": "Cable, power, address, speed; `gashub frames tail` shows the "
    "line's bytes",
    "doctor.instrument.doubtful": "Instrument {instrument} gives readings, and besides: {why}",
    "doctor.instrument.doubtful.do": "`gashub status` counts what was dropped of it; `gashub "
    "frames tail` shows the bytes",
    "doctor.broker.there": "Broker {address} takes us, over {tls}",
    "doctor.broker.refuses": "Broker {address} refuses us: {why}",
    "doctor.broker.refuses.do": "Correct what it names: user, secret, certificate or access list "
    "(it may also refuse the doctor's own client id, gashub-doctor-...)",
    "doctor.broker.absent": "Broker {address} is not reached: {why}",
    "doctor.broker.absent.do": "Look at host, port, network and firewall, and whether the broker "
    "runs",
    "doctor.broker.untried": "Broker {address} was not tried: secret {secret} cannot be read from "
    "here",
    "doctor.broker.untried.do": "Run `gashub doctor` as root",
    "doctor.link.trouble": "The hub's own connection, since {since}: {why}",
    "doctor.link.trouble.do": "docs/operator.md, States, link",
    "doctor.sink.trouble": "The hub's deliveries are {state}, {waiting} parcel(s) wait: {why}",
    "doctor.sink.trouble.do": "Mend the far side or the secret; then `gashub outbox retry`",
    "doctor.folder.there": "{folder} is there and can be written",
    "doctor.folder.silent": "{folder} does not answer within {s} s: its server may be gone",
    "doctor.folder.silent.do": "Look after the server and the network, or mount it anew",
    "doctor.folder.unseen": "{folder} cannot be seen from here",
    "doctor.folder.unseen.do": "Run `gashub doctor` as root or as the hub's user",
    "doctor.folder.absent": "{folder} is not there",
    "doctor.folder.absent.do": "Mount it, or create it for the hub's user; the hub does not make "
    "it up",
    "doctor.folder.forbidden": "{folder} cannot be written",
    "doctor.folder.forbidden.do": "Give it to the hub's user, and name it in the unit's "
    "ReadWritePaths",
    "doctor.far.there": "{address} answers, {tls}",
    "doctor.far.absent": "{address} is not reached: {why}",
    "doctor.far.absent.do": "Look at address, network and firewall; what waits is kept and tried "
    "again",
    "doctor.far.untrusted": "The certificate of {address} is not trusted: {why}",
    "doctor.far.untrusted.do": "Give the CA as ca_file, or have the far side's certificate renewed",
    "doctor.far.certificates": "Our certificates for {address} cannot be used: {why}",
    "doctor.far.certificates.do": "Correct ca_file, cert_file and key_file; the hub's user must "
    "be able to read them",
    "doctor.far.expiring": "The certificate of {address} ends on {ends}",
    "doctor.far.expiring.do": "Tell the far side's owner to renew it",
    "support.bundle": "{file} has {names}: no readings, orders or people, and no secrets. Look "
    "through it before you send it away",
    "reconcile.missing": "delivered, and not there",
    "reconcile.twice": "there more than once",
    "reconcile.other_bytes": "there with another event than the one sent, or without it",
    "reconcile.other_word": "shown there with another verdict",
    "reconcile.unknown": "there under a key that this gateway never had",
    "filing.open": "{authority}: {period} is over and its filing is not handed over ({state}); "
    "{days} day(s) left, until {until}",
    "filing.today": "{authority}: {period} is over and its filing is not handed over ({state}); "
    "today, {until}, is the last day",
    "filing.overdue": "{authority}: the filing of {period} is overdue ({state}): it was to be "
    "handed over until {until}, {days} day(s) ago",
    "filing.met": "{authority}: the filing of {period} is handed over ({state})",
    "filing.runs": "{authority}: {period} is not over yet; its filing is due until {until}",
    "filing.nothing_drafted": "nothing drafted",
    "doctor.filings.none": "Nothing is owed: every period that is over was filed",
    "doctor.filings.open": "{says}",
    "doctor.filings.open.do": "`gashub filing due {authority} --period {period}`, then draft, "
    "approve and submit; `gashub filing list` shows what is under way",
    "doctor.filings.overdue": "{says}",
    "doctor.filings.overdue.do": "File it now (`gashub filing due {authority} --period {period}`, "
    "then draft, approve, submit), and tell the authority",
    "doctor.filings.profile": "What is owed cannot be told: {why}",
    "doctor.filings.profile.do": "Put the profile right; until then nothing can be filed",
    "reconcile.other_state": "the authority says something else of it",
    "reconcile.other_digest": "there with other content than was approved",
    "reconcile.other_receipt": "accepted there under another receipt",
    "reconcile.unclear": "the answer about it says nothing",
}
