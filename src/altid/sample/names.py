"""Danish names, roughly as common as in the population, and where people live."""

from __future__ import annotations

from typing import NamedTuple

from altid.sample.cpr import Sex
from altid.sample.dice import Dice


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_WOMEN_OLD = _words(
    "Kirsten Inge Anna Else Karen Grethe Birthe Lis Inger Jytte Ruth Bodil Aase Tove Gerda Ellen Edith "
    "Rita Ingrid Kirstine Elly Ritta Solveig Vibeke Annelise"
)
_WOMEN_MIDDLE = _words(
    "Susanne Lene Hanne Marianne Helle Pia Anne Bente Charlotte Lone Tina Annette Dorthe Mette Gitte "
    "Jette Ulla Birgitte Anette Karin Lisbeth Lotte Merete Betina Heidi"
)
_WOMEN_YOUNG = _words(
    "Camilla Maria Louise Christina Julie Sofie Ida Emma Line Katrine Cecilie Freja Laura Mathilde Signe "
    "Amalie Josefine Caroline Nanna Rikke Trine Stine Sara Zainab Fatima"
)
_MEN_OLD = _words(
    "Jørgen Knud Poul Erik Svend Børge Arne Kaj Ejner Verner Aage Bent Holger Villy Ove Leif Egon Preben "
    "Kurt Finn Helge Orla Ib Tage Frode"
)
_MEN_MIDDLE = _words(
    "Peter Jens Lars Michael Henrik Søren Thomas Jan Niels Hans Carsten Ole Flemming Kim Steen Torben "
    "Allan Claus Jesper John Brian Per Bo Morten Kenneth"
)
_MEN_YOUNG = _words(
    "Christian Martin Anders Rasmus Mads Frederik Mathias Emil Oliver William Magnus Jonas Jakob Kasper "
    "Nikolaj Sebastian Tobias Simon Daniel Victor Malthe Noah Ahmed Mohammad Ali"
)

_BORN_OLD, _BORN_YOUNG = 1948, 1980
"""Given names follow the year of birth: before the first the old ones, from the second the young ones."""

_FAMILIES = _words(
    "Nielsen Jensen Hansen Andersen Pedersen Christensen Larsen Sørensen Rasmussen Jørgensen Petersen "
    "Madsen Kristensen Olsen Thomsen Christiansen Poulsen Johansen Møller Mortensen Knudsen Jakobsen "
    "Mikkelsen Olesen Frederiksen Laursen Henriksen Lund Schmidt Eriksen Holm Kristiansen Clausen "
    "Simonsen Svendsen Andreasen Iversen Jeppesen Mogensen Jespersen Nissen Lauridsen Frandsen Østergaard "
    "Jepsen Lauritsen Nygaard Vestergaard Bertelsen Kjær Dahl Johnsen Carlsen Friis Danielsen Bach Lassen "
    "Winther Bech Damgaard Bruun Dam Toft Kruse Skov Søgaard Bak Juhl Bjerre Kjeldsen Krogh Lorenzen "
    "Nørgaard Overgaard Villadsen Ravn Hald Juul Riis Munk Lind Thygesen Axelsen Paulsen Steffensen Husum "
    "Enevoldsen Berg Brandt Beck Ali Khan Nguyen Hussain Yilmaz Hassan Mohamed Kowalski Ahmad Demir"
)
_FAMILY_WEIGHTS = tuple(100 / (rank + 3) for rank in range(len(_FAMILIES)))

_STREETS = _words(
    "Nørregade Vestergade Søndergade Østergade Skolegade Kirkegade Algade Bredgade Jernbanegade "
    "Stationsvej Birkevej Lærkevej Bøgevej Elmevej Skovvej Parkvej Engvej Solvej Granvej Kløvervej "
    "Rosenvej Tværvej Møllevej Hovedgaden Strandvejen Fjordvej Bakkevej Drosselvej Mejsevej Violvej "
    "Ahornvej Egevej Åvej Markvej Teglværksvej Havnegade Kastanievej Syrenvej Poppelvej Pilevej"
)


class Town(NamedTuple):
    postcode: str
    city: str
    municipality: str
    """Code and name of the *kommune*, as dk-core lists them."""
    municipality_name: str
    weight: float


TOWNS = (
    Town("8000", "Aarhus C", "0751", "Aarhus", 14),
    Town("8200", "Aarhus N", "0751", "Aarhus", 9),
    Town("8210", "Aarhus V", "0751", "Aarhus", 8),
    Town("8800", "Viborg", "0791", "Viborg", 9),
    Town("8900", "Randers C", "0730", "Randers", 9),
    Town("8700", "Horsens", "0615", "Horsens", 9),
    Town("8600", "Silkeborg", "0740", "Silkeborg", 9),
    Town("7400", "Herning", "0657", "Herning", 8),
    Town("7500", "Holstebro", "0661", "Holstebro", 6),
    Town("7800", "Skive", "0779", "Skive", 4),
    Town("8660", "Skanderborg", "0746", "Skanderborg", 5),
    Town("8300", "Odder", "0727", "Odder", 2),
    Town("8500", "Grenaa", "0707", "Norddjurs", 3),
    Town("8400", "Ebeltoft", "0706", "Syddjurs", 3),
    Town("7600", "Struer", "0671", "Struer", 2),
    Town("7620", "Lemvig", "0665", "Lemvig", 2),
    Town("6950", "Ringkøbing", "0760", "Ringkøbing-Skjern", 4),
    Town("7430", "Ikast", "0756", "Ikast-Brande", 3),
    Town("8370", "Hadsten", "0710", "Favrskov", 3),
    Town("8305", "Samsø", "0741", "Samsø", 0.5),
)
_TOWN_WEIGHTS = tuple(town.weight for town in TOWNS)


class Name(NamedTuple):
    given: tuple[str, ...]
    family: str

    @property
    def text(self) -> str:
        return " ".join((*self.given, self.family))


class Address(NamedTuple):
    line: str
    town: Town


def name(dice: Dice, sex: Sex, born_year: int) -> Name:
    """One or two given names of the generation, and a family name."""
    given = _given(sex, born_year)
    count = 2 if dice.chance(0.4) else 1
    family = dice.weighted(_FAMILIES, _FAMILY_WEIGHTS)
    return Name(tuple(dice.some(given, count)), family)


def _given(sex: Sex, born_year: int) -> tuple[str, ...]:
    if born_year < _BORN_OLD:
        return _WOMEN_OLD if sex == "female" else _MEN_OLD
    if born_year < _BORN_YOUNG:
        return _WOMEN_MIDDLE if sex == "female" else _MEN_MIDDLE
    return _WOMEN_YOUNG if sex == "female" else _MEN_YOUNG


def address(dice: Dice) -> Address:
    """A street that many towns have, with a number and at times a floor."""
    line = f"{dice.pick(_STREETS)} {dice.whole(1, 140)}"
    if dice.chance(0.35):
        line += f", {dice.pick(('st.', '1.', '2.', '3.', '4.'))} {dice.pick(('tv', 'mf', 'th'))}"
    return Address(line, dice.weighted(TOWNS, _TOWN_WEIGHTS))


def phone(dice: Dice) -> str:
    """Eight digits that begin with 00, which no subscriber has: so nobody is called by mistake."""
    return f"+45 00 {dice.whole(10, 99)} {dice.whole(10, 99)} {dice.whole(10, 99)}"
