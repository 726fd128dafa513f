import asyncio
import time

from app.api.monitoring.pulse import PULSE_S, Pulse, find_free_bytes


def read(pulse):
    return {
        sample.name: sample.value
        for family in pulse.collect()
        for sample in family.samples
        if "le" not in sample.labels
    }


async def wait_until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)


async def test_a_loop_that_is_kept_busy_is_seen_to_be_late():
    pulse = Pulse(lambda: None)
    pulse.start()
    await asyncio.sleep(0)

    time.sleep(2 * PULSE_S)  # noqa: ASYNC251 - this is what it is about
    await wait_until(lambda: read(pulse)["fount_event_loop_lag_seconds_count"])
    await pulse.stop()

    assert read(pulse)["fount_event_loop_lag_seconds_sum"] >= PULSE_S / 2


async def test_room_is_looked_at_in_a_thread_and_told():
    pulse = Pulse(lambda: 123)
    pulse.start()

    await wait_until(lambda: read(pulse).get("fount_repository_free_bytes"))
    await pulse.stop()

    assert 123 == read(pulse)["fount_repository_free_bytes"]


async def test_room_that_cannot_be_looked_at_is_left_out():
    looked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def fail():
        loop.call_soon_threadsafe(looked.set)
        raise OSError(5, "Input/output error")

    pulse = Pulse(fail)
    pulse.start()
    await asyncio.wait_for(looked.wait(), 60)
    await pulse.stop()

    assert "fount_repository_free_bytes" not in read(pulse)


def test_only_folders_have_room(tmp_path):
    assert find_free_bytes(str(tmp_path)) > 0
    assert find_free_bytes("memory://models") is None
