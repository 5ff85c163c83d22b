"""How the kinds of generated signs look: fonts, colours, boards."""

from dataclasses import dataclass

from ocrbench.data.textures import Colour

# The package and the file of each font.
FONTS: dict[str, tuple[str, str]] = {
    "amatic": ("font_amatic_sc", "AmaticSC-Bold.ttf"),
    "caladea": ("font_caladea", "Caladea-Regular.ttf"),
    "caladea-bold": ("font_caladea", "Caladea-Bold.ttf"),
    "fredoka": ("font_fredoka_one", "FredokaOne-Regular.ttf"),
    "hanken": ("font_hanken_grotesk", "HankenGrotesk-Medium.otf"),
    "hanken-bold": ("font_hanken_grotesk", "HankenGrotesk-Bold.otf"),
    "hanken-italic": ("font_hanken_grotesk", "HankenGrotesk-SemiBoldItalic.otf"),
    "source": ("font_source_serif_pro", "SourceSerifPro-Semibold.otf"),
    "source-bold": ("font_source_serif_pro", "SourceSerifPro-Bold.otf"),
}


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a kind of sign looks.

    Attributes:
        fonts: Names in ``FONTS``.
        colours: Pairs of board and letters, RGB.
        board: Whether there is a board at all; else the letters are painted on the wall.
        line: Width of a line along the board's edge, coloured as the letters, as a share of the font size.
        frame: Width of a wooden frame, as a share of the font size.
        rounding: Radius of the board's corners, as a share of the font size.
        relief: Whether the letters throw a shadow.
        wear: How patchy the letters are, from 0 to 1.
    """

    fonts: tuple[str, ...]
    colours: tuple[tuple[Colour, Colour], ...]
    board: bool = True
    line: float = 0.0
    frame: float = 0.0
    rounding: float = 0.0
    relief: bool = False
    wear: float = 0.0


_WHITE, _CREAM, _BLACK = (240, 240, 236), (238, 230, 208), (26, 26, 28)
_RED, _MAROON, _ORANGE, _BROWN = (178, 26, 32), (112, 32, 34), (226, 120, 40), (84, 54, 36)
_YELLOW, _STRAW, _GOLD = (240, 196, 34), (250, 240, 150), (232, 206, 140)
_GREEN, _PINE, _SLATE = (16, 104, 64), (36, 58, 48), (42, 46, 46)
_BLUE, _NAVY, _SKY, _ROSE = (22, 74, 140), (28, 36, 60), (66, 138, 160), (240, 200, 190)

ROAD_SIGN = Style(
    fonts=("hanken-bold", "hanken"),
    colours=(
        (_BLUE, _WHITE),
        (_GREEN, _WHITE),
        (_RED, _WHITE),
        (_YELLOW, _BLACK),
        (_WHITE, _BLACK),
        (_BROWN, _WHITE),
    ),
    line=0.08,
    rounding=0.3,
)
NOTICE = Style(
    fonts=("caladea", "source", "hanken", "caladea-bold"),
    colours=((_WHITE, _BLACK), (_CREAM, _BROWN), (_STRAW, _BLACK), (_WHITE, _RED)),
)
CHALKBOARD = Style(
    fonts=("amatic", "fredoka"),
    colours=((_SLATE, _WHITE), (_PINE, _STRAW), (_SLATE, _ROSE)),
    frame=0.2,
    wear=0.35,
)
SHOP_FRONT = Style(
    fonts=("fredoka", "source-bold", "caladea-bold", "hanken-italic"),
    colours=(
        (_PINE, _GOLD),
        (_MAROON, _CREAM),
        (_CREAM, _MAROON),
        (_NAVY, _WHITE),
        (_ORANGE, _WHITE),
        (_SKY, _WHITE),
    ),
    relief=True,
)
LABEL = Style(
    fonts=("hanken-bold", "fredoka", "source"),
    colours=((_WHITE, _RED), (_YELLOW, _RED), (_WHITE, _BLACK), (_SLATE, _WHITE)),
    line=0.05,
    rounding=0.25,
)
PAINTED = Style(
    fonts=("hanken-bold", "source-bold", "fredoka", "amatic"),
    # Of these, one is chosen that shows on the wall.
    colours=tuple((paint, paint) for paint in (_WHITE, _BLACK, _YELLOW, _MAROON, _NAVY)),
    board=False,
    wear=0.25,
)

STYLES: tuple[Style, ...] = (ROAD_SIGN, NOTICE, CHALKBOARD, SHOP_FRONT, LABEL, PAINTED)
