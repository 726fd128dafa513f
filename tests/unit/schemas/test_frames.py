import pytest

from app.schemas.frames import MAX_FRAME_BYTES, FrameError, encode_frame, read_for_worker, read_from_worker
from app.schemas.jobs import (
    BatchDone,
    BatchFailed,
    BatchStarted,
    EncodeImages,
    EncodingFailed,
    ImagesEncoded,
    IndexRun,
    LoadModel,
    ModelFailed,
    ModelLoaded,
    ModelRef,
    PathRun,
    Ping,
    Pong,
    RefusedRun,
    SampleBatch,
    Shutdown,
    UnloadModel,
    VariationRun,
    WorkerConfig,
    WorkerReady,
)

MODEL = ModelRef("digits", 1, "d" * 64)
TO_WORKER = [
    WorkerConfig("models", "cpu", 2, 2, (16, 64), 2**30, 4, 2**23, "info", "json"),
    LoadModel(MODEL),
    UnloadModel(MODEL),
    SampleBatch(1, MODEL, 3, 16, (IndexRun(2**63 - 1, 2**62, 7, 0.5),), b"\x01\x00\x00\x00"),
    SampleBatch(1, MODEL, 3, 16, (IndexRun(1, 2, 7, 0.5), IndexRun(2, 2, 7, 0.5)), b"", (b'[{"op":"flip"}]', b"")),
    SampleBatch(
        2,
        MODEL,
        0,
        16,
        (PathRun(1, 2, 3, 4, 9, 0, 9, True, 1.0), VariationRun(b"\x00" * 8, 1, 2, 3, 4, 0, 4, 0.5)),
        b"",
    ),
    EncodeImages(3, MODEL, b"\x00" * 64, b"\x01\x00\x00\x00"),
    Ping(1),
    Shutdown(),
]
FROM_WORKER = [
    WorkerReady(1, "cpu", 2, 2, "torch"),
    ModelLoaded(MODEL, (16, 64), 10, 40, 0.5),
    ModelFailed(MODEL, "worker-failed", "no", {"limit": 3, "names": ["a", "b"], "numbers": [1, 2]}),
    BatchStarted(1),
    BatchDone(1, 0.25),
    BatchDone(1, 0.25, (RefusedRun(2, "invalid-parameter", "no", {"pointer": "/augment"}),)),
    BatchFailed(1, "worker-failed", "no", {}),
    ImagesEncoded(3, b"\x00" * 8, 0.25),
    EncodingFailed(3, "worker-failed", "no", {}),
    Pong(1),
]


@pytest.mark.parametrize(
    ("reader", "messages"), [(read_for_worker, TO_WORKER), (read_from_worker, FROM_WORKER)], ids=["to", "from"]
)
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_messages_arrive_however_the_bytes_are_cut(reader, messages, step):
    stream = b"".join(encode_frame(message) for message in messages)
    frames = reader()

    received = [
        message for start in range(0, len(stream), step) for message in frames.feed(stream[start : start + step])
    ]

    assert messages == received


def test_a_frame_that_is_too_large_is_refused_before_it_is_read():
    with pytest.raises(FrameError, match="16 MiB"):
        read_for_worker().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "little"))


@pytest.mark.parametrize("body", [b"\xc1", b"\x80", b""], ids=["no msgpack", "no tag", "empty"])
def test_a_frame_that_is_no_message_is_refused(body):
    with pytest.raises(FrameError):
        read_for_worker().feed(len(body).to_bytes(4, "little") + body)


def test_a_message_of_the_other_direction_is_refused():
    with pytest.raises(FrameError):
        read_for_worker().feed(encode_frame(Pong(1)))
