"""What the three ways share: from what was learnt of each filing to the outbox's answer."""

from dataclasses import dataclass, field

from hub import Delivery, Parcel, Said


@dataclass(slots=True)
class Learnt:
    """What has become of the filings of one delivery."""

    taken: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)

    def delivery(self) -> Delivery:
        return Delivery(self.taken, self.refused, self.waiting, self.said)

    def of(self, parcel: Parcel, said: Said, *, to_come: str = "") -> None:
        """What is known of a filing.

        to_come  what is waited for while it is only submitted; "": nothing more comes this way, and
                 the answer is typed in
        """
        self.said[parcel.id] = said
        match said.step:
            case "accepted":
                self.taken[parcel.id] = said.receipt
            case "rejected":
                self.refused[parcel.id] = "; ".join(said.reasons)
            case "duplicate":
                self.refused[parcel.id] = f"the authority has these records in {said.of}"
            case _ if to_come:
                self.waiting[parcel.id] = to_come
            case _:
                self.taken[parcel.id] = said.proof
