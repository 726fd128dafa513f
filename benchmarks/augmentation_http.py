"""What HTTP costs augmentation: the service under eight clients beside its own engine in two processes, in one run.

The engine decodes, augments and encodes as an augmenter does, without a service around it. Clients run in a process of
their own, on the same cores. Turns are taken; medians of ratios go to the section `Augmentation over HTTP` of
docs/benchmarks.md.
"""

import argparse
import datetime as dt
import http.client
import io
import json
import multiprocessing as mp
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import simplejpeg
from augmentation import QUALITY, make_policy, our_files, paint
from machine import look_at_machine
from page import PAGE, write_section
from PIL import Image

FILE = Path(__file__).parent / "results" / "augmentation-http.json"
CLIENTS, CORES = 8, 2
BAR = 0.8
BOUNDARY = "b0undary"
ROWS = {"one JPEG to one": (1, 1), "8 JPEG to 8, ZIP": (8, 1), "one JPEG to 16, ZIP": (1, 16)}
"""Images and copies of a request."""


def main() -> None:
    """Measure, keep the result, write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path, help="pictures of 512 x 512; by default some are painted")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--port", type=int, default=18431)
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    arguments = parser.parse_args()
    photos = [np.asarray(Image.open(path).convert("RGB")) for path in arguments.photos] or paint(8)
    files = [simplejpeg.encode_jpeg(photo, quality=QUALITY, colorsubsampling="420") for photo in photos]
    with tempfile.TemporaryDirectory() as folder, open_service(folder, arguments.port):
        rows = [measure(name, files, arguments) for name in ROWS]
    machine = look_at_machine()
    document = {"date": dt.datetime.now(tz=dt.UTC).date().isoformat(), "machine": machine.describe(), "rows": rows}
    FILE.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    text = render(document)
    print(text)
    if arguments.write:
        write_section(PAGE, "Augmentation over HTTP", text)


def measure(name: str, files: list[bytes], arguments: argparse.Namespace) -> dict[str, Any]:
    """Let service and engine take turns; returns outputs per second of both, and the share."""
    images, copies = ROWS[name]
    chosen = [files[number % len(files)] for number in range(images)]
    body = write_form(chosen, copies)
    run_clients(arguments.port, body, 1.0)
    served, computed = [], []
    for _ in range(arguments.rounds):
        requests = in_processes(run_clients, (arguments.port, body, arguments.seconds), 1)
        served.append(requests * images * copies / arguments.seconds)
        outputs = in_processes(run_engine, (chosen, copies, arguments.seconds), CORES)
        computed.append(outputs / arguments.seconds)
    share = statistics.median(one / other for one, other in zip(served, computed, strict=True))
    return {"row": name, "http": statistics.median(served), "engine": statistics.median(computed), "share": share}


def in_processes(work: Any, arguments: tuple[Any, ...], count: int) -> int:
    """Do something in so many processes at once, and add up what comes of it."""
    with mp.get_context("spawn").Pool(count) as pool:
        pool.starmap(_ready, [()] * count)
        return sum(pool.starmap(work, [arguments] * count))


def _ready() -> None:
    make_policy(224)


def run_engine(files: list[bytes], copies: int, seconds: float) -> int:
    """Do what an augmenter does, over and over."""
    work = our_files(files, copies)
    work()
    outputs, ends = 0, time.perf_counter() + seconds
    while time.perf_counter() < ends:
        outputs += work()
    return outputs


def run_clients(port: int, body: bytes, seconds: float) -> int:
    """Ask from several clients at once; returns how many answers came.

    Raises:
        RuntimeError: If an answer is not 200.
    """
    ends = time.perf_counter() + seconds
    answers = [0] * CLIENTS

    def ask(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        while time.perf_counter() < ends:
            connection.request("POST", "/v1/augmentations", body, headers)
            answer = connection.getresponse()
            data = answer.read()
            if answer.status != http.client.OK:
                raise RuntimeError(data[:300])
            answers[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answers)


def write_form(files: list[bytes], copies: int) -> bytes:
    """Write the body of a request."""
    is_one = len(files) * copies == 1
    request = {"policy": make_policy(224).model_dump(mode="json"), "copies": copies, "quality": QUALITY}
    request |= {"format": "jpeg"} if is_one else {"format": "zip", "image_format": "jpeg"}
    body = io.BytesIO()
    for file in files:
        body.write(_begin_part('name="images"; filename="a"') + file + b"\r\n")
    body.write(_begin_part('name="request"'))
    body.write(json.dumps(request).encode() + f"\r\n--{BOUNDARY}--\r\n".encode())
    return body.getvalue()


def _begin_part(name: str) -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n".encode()


class open_service:  # noqa: N801 - a context manager, used as a function
    """Serve an empty repository on loopback while the block runs."""

    def __init__(self, folder: str, port: int) -> None:
        command = [sys.executable, "-m", "app", "serve", "--port", str(port), "--repository", folder]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._port = port

    def __enter__(self) -> None:
        """Wait until it answers."""
        ends = time.perf_counter() + 60
        while time.perf_counter() < ends:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
                connection.request("GET", "/livez")
                if connection.getresponse().status == http.client.OK:
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the service did not start")

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)


def render(document: dict[str, Any]) -> str:
    """Write the section."""
    head = (
        f"`python benchmarks/augmentation_http.py` · {document['date']} · {document['machine']}. Outputs per second:"
        f" 512 pixels to 224, {CLIENTS} clients on the same cores, beside the engine in {CORES} processes."
    )
    lines = ["| request | over HTTP | engine | share |", "| --- | ---: | ---: | ---: |"]
    for row in document["rows"]:
        verdict = "met" if row["share"] >= BAR else "missed"
        speeds = f"{row['http']:,.0f} | {row['engine']:,.0f}"
        lines.append(f"| {row['row']} | {speeds} | {row['share']:.2f} ({verdict}) |")
    return head + f" The bar is {BAR}.\n\n" + "\n".join(lines)


if __name__ == "__main__":
    main()
