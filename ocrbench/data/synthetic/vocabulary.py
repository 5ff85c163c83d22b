"""Texts of generated signs: everyday words, numbers, prices, opening hours, addresses."""

from collections.abc import Callable

import numpy as np

_EVERYDAY = """
about above account across address adult after again airport alarm alley almond always amber ancient angle
animal annual answer antique apple apron arcade arena arrival artist atlas august autumn avenue award baker
bakery balance balcony bamboo banana bargain barrel basket bath battery beach bean bench berry best bicycle
bird bistro blanket blue board boat book border bottle branch bread breakfast brick bridge bright broad
brother brown brush bucket budget builder burger button cabin cable cafe camera camp canal candle canvas
captain card careful carpet castle central century chair chance change charge cheese cherry chicken child
choice church cider cinema circle city classic clean clear clever clinic clock closed cloud coach coast
coffee college colour comfort common company concert copper corner cotton country course court cover craft
cream crossing crown crystal culture current customer cycle daily dairy danger dental depot desert design
diesel dinner direct doctor dolphin double dragon dream dress drive eagle early earth east easy editor egg
electric elephant emergency empty engine entrance evening event exit express fabric family famous farm
fashion father feather ferry festival field final finger fire fish flag flight floor flour flower forest
fork fountain frame free fresh friday friend front fruit furniture future gallery game garage garden gate
general gentle gift ginger glass global golden grand grape grass green grill ground group guard guide guitar
hall hammer hand happy harbour hardware harvest health heart heavy herbal heritage high hill history holiday
home honey horse hospital hotel house hunter ice indoor island ivory jacket jazz jewel journey juice jungle
junior kettle key kitchen kiwi ladder lake lamp language large laundry lemon leather lesson letter level
library light lily lime linen lion little lobby local lock lodge london long lounge lucky lunch machine
magic main manor maple market master meadow medical melon member menu metal midnight milk mill mineral
mirror mobile modern monday monkey morning mother motor mountain museum mushroom music narrow national
nature needle neighbour new night noble north notice nurse oak ocean office olive onion open opera orange
orchard organic outdoor oven oyster paint palace palm panel paper parade park parking party passage pasta
patio peach pencil people pepper perfect photo piano picnic pilot pine pizza planet plant plaza please
pocket police pony poppy potato pottery power premium press private prize public pull pump pupil purple push
quality quarter quick quiet rabbit radio railway rainbow ready record red rent repair reserved rice ribbon
right ring river road rocket roof room rose round royal rubber safety salad sale salmon salon sand saturday
sauce school science season second security seed self service shadow sheep shelter ship shirt shoe shop
silver simple sister slow small smoke snack soap social soft south space special spice spring square stable
staff stage stair station steam stone stop storage store storm street strong student studio sugar summer
sunday sunset supply surf swan sweet table tailor taxi teacher temple tennis theatre thunder ticket tiger
timber toast today toilet tomato tower town toy trade train travel treasure tree trust tulip tunnel turkey
twelve umbrella uncle union university upper urban valley value velvet vendor victory video view village
vintage violet visitor volcano wagon walnut warning water wedding weekly welcome west whale wheat white wild
willow window winter wonder wood wool world yard yellow young zebra
"""
WORDS: tuple[str, ...] = tuple(_EVERYDAY.split())

# Without I, O, Q, l, which even people cannot distinguish from 1 and 0 on a sign.
_CODE_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_PLACES = ("Room", "Gate", "Platform", "Floor", "Line", "Unit", "Bus", "Exit", "Track", "Hall", "No.", "Zone")
_DAYS = ("Mon-Fri", "Mon-Sat", "Tue-Sun", "Sat-Sun", "Mon-Thu", "daily")
_NOTICES = ("NO", "STOP", "KEEP", "SLOW", "CAUTION", "WARNING", "PRIVATE", "DANGER", "ATTENTION")


def draw_line(rng: np.random.Generator, max_words: int) -> tuple[str, ...]:
    """Draw the text of one line of a sign: 1 to ``max_words`` words, at most 4."""
    kinds, weights = zip(*_KINDS, strict=True)
    kind = kinds[rng.choice(len(kinds), p=np.array(weights) / sum(weights))]
    return kind(rng)[:max_words] if max_words > 1 else (_word(rng),)


def _word(rng: np.random.Generator) -> str:
    word = WORDS[rng.integers(len(WORDS))]
    casings: tuple[Callable[[str], str], ...] = (str.upper, str.capitalize, str.lower)
    return casings[rng.choice(3, p=[0.4, 0.4, 0.2])](word)


def _phrase(rng: np.random.Generator) -> tuple[str, ...]:
    words = [WORDS[index] for index in rng.integers(len(WORDS), size=rng.choice([1, 2, 3], p=[0.3, 0.5, 0.2]))]
    casings: tuple[Callable[[str], str], ...] = (str.upper, str.title, str.capitalize, str.lower)
    return tuple(casings[rng.choice(4, p=[0.4, 0.35, 0.15, 0.1])](" ".join(words)).split())


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(str(digit) for digit in rng.integers(1, 10, size=count))


def _price(rng: np.random.Generator) -> tuple[str, ...]:
    amount = f"{rng.integers(1, 100)}{'.,'[rng.integers(2)]}{rng.integers(10) * 10 + 9 * rng.integers(2):02d}"
    sign = "€$£"[rng.integers(3)]
    price = f"{sign}{amount}" if rng.random() < 0.6 else f"{amount}{sign}"
    return (_word(rng), price) if rng.random() < 0.6 else (price,)


def _hours(rng: np.random.Generator) -> tuple[str, ...]:
    opens, closes = rng.integers(6, 12), rng.integers(13, 23)
    hours = f"{opens}:{'03'[rng.integers(2)]}0-{closes}:00"
    return (_DAYS[rng.integers(len(_DAYS))], hours) if rng.random() < 0.7 else (hours,)


def _place(rng: np.random.Generator) -> tuple[str, ...]:
    number = str(rng.integers(2, 240))
    if rng.random() < 0.5:
        number = _CODE_LETTERS[rng.integers(len(_CODE_LETTERS))] + number
    return (_PLACES[rng.integers(len(_PLACES))], number)


def _code(rng: np.random.Generator) -> tuple[str, ...]:
    letters = "".join(_CODE_LETTERS[index] for index in rng.integers(len(_CODE_LETTERS), size=rng.integers(1, 4)))
    digits = _digits(rng, int(rng.integers(2, 5)))
    return (f"{letters}{('-', '', '.')[rng.integers(3)]}{digits}",)


def _address(rng: np.random.Generator) -> tuple[str, ...]:
    first, second = (WORDS[index] for index in rng.integers(len(WORDS), size=2))
    ending = ("com", "org", "net", "shop")[rng.integers(4)]
    return (f"{('info@', 'www.', '')[rng.integers(3)]}{first}-{second}.{ending}",)


def _phone(rng: np.random.Generator) -> tuple[str, ...]:
    return ("Tel.", f"0{_digits(rng, 3)}", f"{_digits(rng, 3)}-{_digits(rng, 3)}")


def _discount(rng: np.random.Generator) -> tuple[str, ...]:
    percent = f"{rng.integers(1, 10) * 5}%"
    return (percent, "OFF") if rng.random() < 0.5 else (f"-{percent}",)


def _notice(rng: np.random.Generator) -> tuple[str, ...]:
    return (_NOTICES[rng.integers(len(_NOTICES))], WORDS[rng.integers(len(WORDS))].upper())


def _street(rng: np.random.Generator) -> tuple[str, ...]:
    name = WORDS[rng.integers(len(WORDS))].title()
    return (str(rng.integers(1, 200)), name, ("Street", "Road", "Lane", "Avenue", "St.")[rng.integers(5)])


_KINDS: tuple[tuple[Callable[[np.random.Generator], tuple[str, ...]], float], ...] = (
    (_phrase, 12.0),
    (_price, 2.5),
    (_place, 2.5),
    (_notice, 2.0),
    (_street, 2.0),
    (_hours, 1.5),
    (_code, 1.5),
    (_address, 1.0),
    (_phone, 1.0),
    (_discount, 1.0),
)
