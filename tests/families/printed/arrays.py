"""Figures printed of the families that leave out, compress or recode partial products."""

from families.measured import figures

ALL_8_BIT = [
    # Perforation: published NMED of rows j..j+k-1.
    *figures("perforation", {"j": 0, "k": 1}, NMED=".00098"),
    *figures("perforation", {"j": 0, "k": 2}, NMED=".00294"),
    *figures("perforation", {"j": 1, "k": 3}, NMED=".01373"),
    *figures("broken_array", {"h": 1, "v": 0}, NMED=".00098"),  # the same of w's rows
    *figures("broken_array", {"h": 2, "v": 0}, NMED=".00294"),
    # Kulkarni: published mean over all pairs and peak, then computed.
    *figures("kulkarni", {}, MRED_all="3.25", min="-22.22"),
    *figures("kulkarni", {}, EP="46.73", MRED_all="3.255", MRED="3.280", NMED=".01389", WCE="14450", MSE="6459222"),
    *figures("sdlc", {}, ME="-229.375", NMED=".00353", MRED="2.004", EP="49.11"),
]
