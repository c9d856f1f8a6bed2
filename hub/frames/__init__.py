"""Raw bytes of a line or link: watched, recorded into a case folder, played back."""
