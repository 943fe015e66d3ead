"""Words of which a question can mean one or the other, never both: the tables of `differences`."""

from __future__ import annotations

_OPPOSITES = """
before until/after
increase raise rise rose risen/decrease reduce lower cut fall fell fallen drop
more above over/less fewer below under
minimum least smallest min/maximum most largest biggest max
enable activate/disable deactivate
include/exclude
allow permit/forbid prohibit
first earliest/last latest final
start begin launch/end finish stop
open/close shut
add/remove delete
true/false
accept approve/reject decline refuse
continue/stop quit
once/twice
half/double
noon/midnight
send submit/receive
import/export
upload/download
upgrade/downgrade
install/uninstall
subscribe/unsubscribe
lock block freeze/unlock unblock unfreeze
login/logout
connect/disconnect
buy purchase order/sell
lend/borrow
enter entering arrive/leave exit depart
encrypt/decrypt
show/hide
attach/detach
grant/revoke
hire/fire dismiss
win/lose
gain/lose
top/bottom
left/right
north/south/east/west
northern/southern/eastern/western
inside indoor indoors/outside outdoor outdoors
inbound incoming/outbound outgoing
arrival/departure
public/private
old former/new
new/existing current
full/part
mute/unmute
in/out
up/down
cheap cheapest/expensive dearest
fast fastest quick/slow slowest
safe/dangerous unsafe
advantage benefit/disadvantage risk
credit/debit/prepaid
gross/net
monthly/annual yearly/weekly/daily/hourly/quarterly
morning/afternoon/evening/night
spring/summer/autumn/winter
allowed permitted/required necessary mandatory/available
megabit/gigabit/kilobit
second/minute/hour/day/week/month/year
christmas/easter/boxing/pentecost/thanksgiving/advent
short shorten/long lengthen
kilo/gramme
today/tomorrow/yesterday
weekday/weekend
january/february/april/june/july/august/september/october/november/december
second/third/fourth/fifth/sixth/seventh/eighth/ninth/tenth
basic standard/premium/enterprise
small/medium/large
silver/gold/bronze/platinum
red/blue/green/yellow/black/white/orange/purple/brown/pink
north/south
renew extend/replace
print/sign/scan
change update/delete remove
complain/praise
car vehicle/train/plane flight airplane aircraft/bus coach/bicycle bike/motorbike/ferry ship/taxi
gas/electricity power/water/oil
windows/linux/macos mac/android/iphone ios/ubuntu/fedora/debian
python/java/javascript/ruby/rust
pdf/word/excel/csv/powerpoint/html
google/apple/microsoft/facebook/amazon
slack/teams/zoom
visa/mastercard/amex/paypal
euro eur/dollar usd/pound gbp/franc chf/yen
celsius/fahrenheit
inch/centimetre centimeter/foot feet/metre meter
savings/current checking/mortgage
dog puppy/cat kitten/horse/bird/fish
breakfast/lunch/dinner supper
coffee/tea/beer/wine
shampoo/toothpaste/soap
washing/dishwasher/fridge/oven
berlin/paris/london/madrid/rome/vienna/bern/zurich/prague/warsaw/oslo/stockholm/lisbon/dublin
"""
"""A line is what excludes each other, `/` between; the words between two `/` mean the same."""

_COUNTRIES = """
france french/germany german/spain spanish/italy italian/austria austrian/
switzerland swiss/britain british/ireland irish/netherlands dutch/belgium belgian/
poland polish/norway norwegian/sweden swedish/denmark danish/finland finnish/
portugal portuguese/greece greek/turkey turkish/russia russian/ukraine ukrainian/
china chinese/japan japanese/india indian/australia australian/canada canadian/
brazil brazilian/mexico mexican/america american/africa african/kenya kenyan/ghana/
egypt egyptian/israel israeli/korea korean/thailand thai/vietnam vietnamese/
czechia czech/hungary hungarian/romania romanian
"""
"""Countries and what is of them."""

AUDIENCES = """
student undergraduate
pupil
staff employee colleague coworker worker personnel
contractor freelancer
visitor guest
resident
child children kid
baby babies infant newborn
teenager adolescent
adult
pregnant pregnancy
senior pensioner retiree elderly
parent
mother mum mom
father dad
teacher
nurse
doctor physician
patient
tenant
landlord
customer client
supplier vendor
member
manager supervisor boss
employer
driver
passenger
buyer
seller
wife
husband
partner spouse
brother
sister
friend
neighbour neighbor
company companies business businesses
citizen
foreigner
volunteer
apprentice trainee intern
veteran
cleaner
engineer
cashier
admin administrator
woman women
man men
son
daughter
schoolchildren
secretary
treasurer
part-time
full-time
toddler
wheelchair
traveller traveler tourist
"""
"""Whom a question is about; a line is one audience."""

ALIASES = (
    (r"corona[\s-]?virus(?:\s+disease)?(?:[\s-]+2019)?|covid(?:[\s-]?19)?|sars[\s-]cov[\s-]2|corona",
     "coronavirus"),
    (r"united\s+kingdom|great\s+britain|u\.?k\.?", "britain"),
    (r"united\s+states(?:\s+of\s+america)?|u\.s\.(?:a\.)?|usa", "america"),
    (r"european\s+union", "eu"),
    (r"influenza", "flu"),
    (r"wi[\s-]?fi|wlan|wireless\s+(?:network|lan|connection)", "wifi"),
    (r"2fa|mfa|(?:two|second|2)[\s-]factor(?:\s+(?:authentication|login))?", "twofactor"),
    (r"e-mails?", "email"),
    (r"log[\s-]in|sign[\s-]in", "login"),
    (r"log[\s-](?:out|off)|sign[\s-]out", "logout"),
    (r"(?:turn|switch)(?:ed|ing)?\s+on|turn\s+(\w+(?:\s\w+)?)\s+on", r"enable \1"),
    (r"(?:turn|switch)(?:ed|ing)?\s+off|turn\s+(\w+(?:\s\w+)?)\s+off", r"disable \1"),
)  # fmt: skip
"""Names that are one thing, as patterns, and how they are written for comparing."""


def forms(word: str) -> set[str]:
    """A word and what it becomes when it is counted or conjugated the regular way."""
    bare = word.removesuffix("e")
    more = {bare + "ing", bare + "ed", bare + "er"} if len(word) > 3 else set()
    if word.endswith("y"):
        more |= {word[:-1] + "ies", word[:-1] + "ied"}
    if word.endswith(("p", "t", "l", "n")):
        more |= {word + word[-1] + ending for ending in ("ing", "ed")}
    return {word, word + "s", word + "es", *more}


def families() -> dict[str, list[tuple[int, int]]]:
    """Each word with the lines of `_OPPOSITES` that it stands in, and its place there."""
    found: dict[str, list[tuple[int, int]]] = {}
    for line, text in enumerate([*_OPPOSITES.strip().splitlines(), _COUNTRIES]):
        for place, words in enumerate(text.split("/")):
            for word in words.split():
                for form in forms(word):
                    found.setdefault(form, []).append((line, place))
    return found


def audiences() -> dict[str, int]:
    """Each word of `AUDIENCES` with its line."""
    return {
        form: line
        for line, text in enumerate(AUDIENCES.strip().splitlines())
        for word in text.split()
        for form in forms(word)
    }
