"""The four sections. Each does both sides in turn and gives plain figures, JSON-ready."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench import data, quality
from bench.options import Options
from bench.process import Child, Usage, Worker, environment, run
from bench.timing import median, quantile

Say = Callable[[str], None]
Figures = dict[str, Any]
_FIRST = "What does the documentation say about this?"
_START_SECONDS = 180.0


def prepare(options: Options) -> float:
    """Exports Countersign's embedding model when that was never done; seconds that it took."""
    start = time.perf_counter()
    code = "from chatbot.adapters import embeddings as e, models as m; from chatbot.settings import load_settings as s; e.open_embeddings(s())"
    run(["-c", code], environment(options), options.work / "ours.log")
    return time.perf_counter() - start
