"""Figures printed of the families that shorten or round their operands."""

from families.measured import figures

NARAYANAMOORTHY = "published; exact mean otherwise, the paper sampled (unknown count, operands)"

DRUM_8 = {  # k: bias, MRED, std, NMED
    3: ("3.433", "12.095", "14.895", ".02841"),
    4: ("1.596", "5.887", "7.185", ".01424"),
    5: (".937", "2.839", "3.441", ".00715"),
    6: (".571", "1.301", "1.586", ".00358"),
    7: (".277", ".483", ".656", ".00162"),
}

DRUM_16 = {  # k: bias, MRED, std
    3: ("+2.076", "11.900", "14.745"),
    4: ("+0.531", "5.891", "7.257"),
    5: ("+0.142", "2.937", "3.613"),
    6: ("+0.043", "1.468", "1.804"),
    7: ("+0.018", "0.733", "0.902"),
    8: ("+0.011", "0.366", "0.450"),
}

TOSAM_8 = {  # (h, t): bias, MRED
    (0, 2): ("-7.198", "10.194"),
    (0, 3): ("-1.514", "7.722"),
    (1, 5): ("+0.549", "4.090"),
    (2, 6): ("+0.547", "2.116"),
    (3, 7): ("+0.527", "1.114"),
}

TOSAM_16 = {
    (0, 2): ("-9.043", "10.908"),
    (0, 3): ("-3.307", "7.603"),
    (1, 5): ("-0.842", "3.949"),
    (2, 6): ("-0.577", "2.060"),
    (3, 7): ("-0.323", "1.048"),
    (4, 8): ("-0.167", "0.527"),
    (5, 9): ("-0.082", "0.264"),
}

SEGMENTS_8 = {  # bias, and minus it the MRED
    ("ssm", 4): "-14.904",
    ("ssm", 5): "-5.552",
    ("ssm", 6): "-1.620",
    ("essm", 4): "-9.373",
    ("dsm", 4): "-6.863",
    ("dsm", 5): "-2.954",
    ("dsm", 6): "-1.083",
}

ALL_8_BIT = [
    *(row for k, (b, a, s, n) in DRUM_8.items() for row in figures("drum", {"k": k}, bias=b, MRED=a, std=s, NMED=n)),
    *(
        row
        for (name, m), bias in SEGMENTS_8.items()
        for row in figures(name, {"m": m}, bias=bias, MRED=bias.removeprefix("-"), max="0")
    ),
    *(row for (h, t), (b, m) in TOSAM_8.items() for row in figures("tosam", {"h": h, "t": t}, bias=b, MRED=m)),
    *figures("roba", {}, bias="-0.015", MRED="2.862", std="3.847", NMED=".00700", WCE="4096", EP="93.09"),
    *figures("roba", {}, min="-11.1", max="11.1"),  # published, 1/9
    *figures("ou", {"l": 1}, ME="+75.6", MAE="948.1", MSE="1644547", zeros_wrong="252"),
    *figures("ou", {"l": 3}, ME="+.595", MSE="7147", zeros_wrong="240"),
]

COMPUTED_16_BIT = [
    *(row for k, (b, a, s) in DRUM_16.items() for row in figures("drum", {"k": k}, bias=b, MRED=a, std=s)),
    *figures("ssm", {"m": 8}, accuracy="97.92"),
    *figures("ssm", {"m": 10}, accuracy="99.60"),
    *figures("essm", {"m": 8}, accuracy="98.86"),
    *figures("dsm", {"m": 6}, accuracy="97.87"),
    *figures("dsm", {"m": 8}, accuracy="99.47"),
    *(row for (h, t), (b, m) in TOSAM_16.items() for row in figures("tosam", {"h": h, "t": t}, bias=b, MRED=m)),
    *figures("roba", {}, bias="-0.036", MRED="2.886", std="3.834"),
]

PUBLISHED_16_BIT = [
    *figures("drum", {"k": 3}, max="56.25", MRED="11.90", std="14.75"),
    *figures("drum", {"k": 4}, max="26.56", MRED="5.89", std="7.26"),
    *figures("drum", {"k": 5}, MRED="2.94", std="3.61"),
    *figures("drum", {"k": 6}, MRED="1.47", std="1.80"),
    *figures("drum", {"k": 7}, max="3.1", MRED="0.73", std="0.90"),
    *figures("drum", {"k": 8}, MRED="0.37", std="0.45"),
    *figures("ssm", {"m": 10}, accuracy="99.6"),
    *figures("tosam", {"h": 0, "t": 2}, MRED="11"),  # the range of the paper's designs
    *figures("tosam", {"h": 5, "t": 9}, MRED="0.3"),
    *figures("roba", {}, min="-11.1", max="11.1"),
]

DEVIATIONS = [
    # name, parameters, figure, as printed, as obtained, why the printed figure is not reproduced
    ("drum", {"k": 5}, "max", "12.86", "12.891", "published; a sample's maximum, 2^i x 2^j reach (1 + 2^-4)^2 - 1"),
    ("drum", {"k": 6}, "max", "6.31", "6.348", "published; a sample's maximum, 2^i x 2^j reach (1 + 2^-5)^2 - 1"),
    ("drum", {"k": 8}, "max", "1.54", "1.569", "published; a sample's maximum, 2^i x 2^j reach (1 + 2^-7)^2 - 1"),
    ("drum", {"k": 7}, "bias", "0.01", "0.0176", "published; exact mean 0.0176, cut rather than rounded, or sampled"),
    ("ssm", {"m": 8}, "accuracy", "98.0", "97.92", NARAYANAMOORTHY),
    ("essm", {"m": 8}, "accuracy", "99.0", "98.86", NARAYANAMOORTHY),
    ("dsm", {"m": 6}, "accuracy", "97.8", "97.87", NARAYANAMOORTHY),
    ("dsm", {"m": 8}, "accuracy", "99.7", "99.47", NARAYANAMOORTHY),
]
