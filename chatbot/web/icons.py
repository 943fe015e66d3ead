"""Line icons, drawn for this page on a 20 × 20 grid. They take the colour of the text around."""

from __future__ import annotations

_PATHS = {
    "alert": "M10 3.2 17.6 16.4H2.4zM10 8.2v3.6M10 14.1v.1",
    "auto": "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 1 0 0-14.4M10 2.8v14.4M10 5.6h4.6M10 8.5h6.4"
    "M10 11.4h6.3M10 14.3h4.7",
    "back": "M11.8 4.8 6.6 10l5.2 5.2",
    "check": "m4.4 10.6 3.7 3.7 7.5-8.2",
    "clock": "M10 3a7 7 0 1 0 0 14 7 7 0 1 0 0-14M10 6.2V10l2.6 1.8",
    "close": "m5.2 5.2 9.6 9.6M14.8 5.2l-9.6 9.6",
    "copy": "M7.2 6.8h8.2v9.4H7.2zM4.6 13.2V3.8h8.2",
    "document": "M5 2.8h6.6L15.4 6.6v10.6H5zM11.4 2.9v3.9h3.9M7.6 10.2h5.2M7.6 13.2h5.2",
    "down": "M6.4 3.6v7.6l3.3 5.6c1.3 0 2-.9 2-2.2l-.4-2.8h4c1 0 1.6-.9 1.4-1.8l-1.2-5.1"
    "c-.2-.8-.8-1.3-1.6-1.3zM3.4 3.6v7.6",
    "edit": "m4 16 .8-3.4 8.4-8.4 2.6 2.6-8.4 8.4zM11.6 5.8l2.6 2.6",
    "held": "M10 2.8 16 5v4.6c0 3.6-2.4 6.4-6 7.6-3.6-1.2-6-4-6-7.6V5zM8.4 7.8v4.4M11.6 7.8v4.4",
    "keys": "M2.8 5.6h14.4v8.8H2.8zM5.6 8.4h.1M8.5 8.4h.1M11.4 8.4h.1M14.3 8.4h.1M6.4 11.6h7.2",
    "leave": "M8.4 3.4H4v13.2h4.4M8 10h8.4M13.2 6.6l3.4 3.4-3.4 3.4",
    "menu": "M3.4 5.6h13.2M3.4 10h13.2M3.4 14.4h8",
    "moon": "M16.4 11.6A6.8 6.8 0 0 1 8.4 3.6a6.8 6.8 0 1 0 8 8z",
    "more": "M5 10h.1M10 10h.1M15 10h.1",
    "none": "M8.8 3.4a5.4 5.4 0 1 0 0 10.8 5.4 5.4 0 1 0 0-10.8M12.8 12.8l3.8 3.8M6.6 8.8h4.4",
    "person": "M10 3.4a3.2 3.2 0 1 0 0 6.4 3.2 3.2 0 1 0 0-6.4"
    "M4 16.6c.5-3 2.9-4.6 6-4.6s5.5 1.6 6 4.6",
    "plus": "M10 4.2v11.6M4.2 10h11.6",
    "retry": "M15.8 8.2A6.2 6.2 0 1 0 16.2 11M16 4.2v4.2h-4.2",
    "send": "M10 16V4.4M5.2 9 10 4.2 14.8 9",
    "stop": "M6 6h8v8H6z",
    "sun": "M10 6.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 1 0 0-6.8M10 2.4v1.4M10 16.2v1.4M2.4 10h1.4"
    "M16.2 10h1.4M4.6 4.6l1 1M14.4 14.4l1 1M15.4 4.6l-1 1M5.6 14.4l-1 1",
    "trash": "M4 5.8h12M8 5.6V3.6h4v2M5.6 6l.7 10.4h7.4L14.4 6M8.6 8.8v4.8M11.4 8.8v4.8",
    "up": "M6.4 16.4V8.8l3.3-5.6c1.3 0 2 .9 2 2.2l-.4 2.8h4c1 0 1.6.9 1.4 1.8l-1.2 5.1"
    "c-.2.8-.8 1.3-1.6 1.3zM3.4 16.4V8.8",
}


def icon(name: str) -> str:
    """The icon as inline SVG, hidden from screen readers: its button carries the name."""
    return (
        '<svg class="icon" viewBox="0 0 20 20" width="20" height="20" fill="none" '
        'stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" '
        f'aria-hidden="true" focusable="false"><path d="{_PATHS[name]}"/></svg>'
    )
