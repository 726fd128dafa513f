import msgspec
import numpy as np
import pytest
import torch

from app.core.errors import (
    ConfigurationError,
    DigestMismatchError,
    ModelUnhealthyError,
    OutOfDeviceMemoryError,
    UnsupportedArchitectureError,
    WorkerError,
)
from app.generators.base import put_channels_last
from app.generators.checkpoint import dump_weights, load_generator
from app.generators.pixels import from_pixels, to_pixels
from app.generators.template_drawing import draw_picture
from app.imaging.codec import encode_png
from app.repository.manifest import WEIGHTS_FILE
from app.repository.store import ModelRepository
from app.schemas.jobs import EncodeImages, IndexRun, ModelRef, NumericsConfig, SampleBatch
from app.training.monitoring.preview import draw_preview
from app.training.publishing.template import load_template, publish_template
from app.worker import rewriting
from app.worker.differences import Bound
from app.worker.latents import draw_run_latents
from app.worker.rewriting import rewrite
from app.worker.session import Session
from tests.factories import make_manifest, make_networks, publish_tiny_model

SLOT_BYTES = 65536
NUMERICS = NumericsConfig()


def make_session(root, *, residency_bytes=2**20, slot_bytes=SLOT_BYTES, batch_sizes=(16, 32), numerics=NUMERICS):
    slots = np.zeros((2, slot_bytes), dtype=np.uint8)
    session = Session(
        ModelRepository(str(root)),
        device=torch.device("cpu"),
        slots=slots,
        batch_sizes=batch_sizes,
        residency_bytes=residency_bytes,
        numerics=numerics,
    )
    return session, slots


def ref_of(manifest):
    return ModelRef(manifest.name, manifest.version, manifest.digest)


def load(session, ref):
    steps = session.load(ref)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def make_batch(manifest, runs, labels=(), *, slot=0, size=16):
    return SampleBatch(1, ref_of(manifest), slot, size, tuple(runs), np.array(labels, dtype="<i4").tobytes())


def test_loading_tells_what_was_loaded(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path)

    loaded = load(session, ref_of(manifest))

    assert ref_of(manifest) == loaded.model
    assert 16 == loaded.batch_sizes[0]
    assert 4 * loaded.num_parameters <= loaded.resident_bytes
    assert 0 < loaded.load_s < 60


def test_loading_tells_which_numerics_are_in_force(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path, numerics=NumericsConfig("bfloat16", channels_last=False))

    loaded = load(session, ref_of(manifest))

    assert "bfloat16+folded" == loaded.numerics
    assert 64 * manifest.image.num_bytes == sum(loaded.differences.counts)
    assert () == loaded.refused
    assert 16 == loaded.batch_sizes[0]


def test_loading_tells_what_was_refused(tmp_path, monkeypatch, capsys):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path, numerics=NumericsConfig("bfloat16"))
    monkeypatch.setattr(rewriting, "LOW_PRECISION", Bound(0, 0.0))
    monkeypatch.setattr(rewriting, "ROUNDING", Bound(0, 0.0))

    loaded = load(session, ref_of(manifest))

    assert "precision" in [refusal.name for refusal in loaded.refused]
    assert loaded.numerics.startswith("float32")
    assert "rewrite-refused" in capsys.readouterr().out


def test_a_version_that_had_to_go_comes_back_in_the_same_numerics(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, slots = make_session(tmp_path, numerics=NumericsConfig("bfloat16"))
    batch = make_batch(manifest, [IndexRun(1, 0, 16, 1.0)], [0] * 16)
    load(session, ref_of(manifest))
    session.sample(batch)
    before = slots.copy()

    session.unload(ref_of(manifest))
    session.sample(batch)

    assert np.array_equal(before, slots)


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_lie_in_the_slot_run_after_run(tmp_path, channels):
    manifest = publish_tiny_model(tmp_path, channels=channels)
    session, slots = make_session(tmp_path)
    runs = [IndexRun(1, 5, 2, 1.0), IndexRun(9, 0, 3, 0.5)]
    labels = [0, 1, 2, 2, 1]

    session.sample(make_batch(manifest, runs, labels, slot=1))

    published = load_generator(manifest, ModelRepository(str(tmp_path)).read_weights(manifest))
    generator = rewrite(published, NUMERICS).generator
    padded = torch.zeros(16, manifest.latent_dim)
    padded[:5] = torch.from_numpy(draw_run_latents(runs, manifest.latent_dim))
    with torch.inference_mode():
        images = generator(padded, torch.tensor(labels + [0] * 11))
    expected = to_pixels(images)[:5].numpy()
    assert np.array_equal(expected.ravel(), slots[1, : 5 * manifest.image.num_bytes])
    assert not slots[1, 5 * manifest.image.num_bytes :].any()
    assert not slots[0].any()


def test_an_unconditional_model_needs_no_labels(tmp_path):
    manifest = publish_tiny_model(tmp_path, num_classes=0)
    session, slots = make_session(tmp_path)

    load(session, ref_of(manifest))
    session.sample(make_batch(manifest, [IndexRun(1, 0, 2, 1.0)]))

    assert slots[0, : 2 * manifest.image.num_bytes].any()


def test_a_sample_does_not_depend_on_its_batch(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, slots = make_session(tmp_path)
    num_bytes = manifest.image.num_bytes

    session.sample(make_batch(manifest, [IndexRun(1, 7, 1, 1.0)], [2], size=16))
    alone = slots[0, :num_bytes].copy()
    session.sample(make_batch(manifest, [IndexRun(3, 0, 20, 1.0), IndexRun(1, 7, 1, 1.0)], [0] * 20 + [2], size=32))
    among = slots[0, 20 * num_bytes : 21 * num_bytes]

    assert np.array_equal(alone, among)


def test_only_what_was_verified_is_loaded(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path)

    with pytest.raises(DigestMismatchError):
        load(session, ModelRef(manifest.name, 1, "0" * 64))


def test_altered_weights_are_not_loaded(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path)
    weights = tmp_path / "tiny" / "1" / "weights.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))

    with pytest.raises(DigestMismatchError):
        session.sample(make_batch(manifest, [IndexRun(1, 0, 1, 1.0)], [0]))


def test_sizes_that_do_not_fit_into_a_slot_are_left_out(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path, slot_bytes=16 * manifest.image.num_bytes)

    assert (16,) == load(session, ref_of(manifest)).batch_sizes


def test_a_model_of_which_no_batch_fits_is_refused(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path, slot_bytes=16 * manifest.image.num_bytes - 1)

    with pytest.raises(ConfigurationError, match="slot_bytes"):
        load(session, ref_of(manifest))


def test_a_model_larger_than_the_device_is_refused(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path, residency_bytes=100)

    with pytest.raises(OutOfDeviceMemoryError):
        load(session, ref_of(manifest))


def test_an_unloaded_version_is_read_again(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, slots = make_session(tmp_path)
    batch = make_batch(manifest, [IndexRun(1, 0, 4, 1.0)], [0, 1, 2, 0])
    session.sample(batch)
    before = slots.copy()
    slots[:] = 0

    session.unload(ref_of(manifest))
    session.sample(batch)

    assert np.array_equal(before, slots)


def test_a_batch_that_is_not_finite_is_an_error_and_no_picture(tmp_path, monkeypatch):
    manifest = publish_tiny_model(tmp_path)
    session, slots = make_session(tmp_path)
    monkeypatch.setattr(session, "_forward", lambda *_: torch.full((16, 1, 8, 8), float("nan")))

    with pytest.raises(ModelUnhealthyError, match="finite"):
        session.sample(make_batch(manifest, [IndexRun(1, 0, 1, 1.0)], [0]))

    assert not slots.any()


@pytest.mark.parametrize("value", [0.0, float("nan")], ids=["constant", "not finite"])
def test_a_network_that_went_bad_in_memory_makes_no_picture_even_of_one_sample(tmp_path, value):
    manifest = publish_tiny_model(tmp_path)
    session, slots = make_session(tmp_path)
    load(session, ref_of(manifest))
    for parameter in session._rewritten(ref_of(manifest)).generator.parameters():
        parameter.fill_(value)

    with pytest.raises(ModelUnhealthyError):
        session.sample(make_batch(manifest, [IndexRun(1, 0, 1, 1.0)], [0]))

    assert not slots.any()


@pytest.mark.parametrize(("value", "reason"), [(0.0, "alike"), (float("nan"), "finite")])
def test_a_version_that_makes_nothing_to_be_seen_is_not_loaded(tmp_path, value, reason):
    generator, _ = make_networks()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.fill_(value)
    files = {WEIGHTS_FILE: dump_weights({"generator": generator}), "README.md": b"# bad\n"}
    manifest = ModelRepository(str(tmp_path)).publish(make_manifest(), files)
    session, _ = make_session(tmp_path)

    with pytest.raises(ModelUnhealthyError, match=reason):
        load(session, ref_of(manifest))


def test_a_version_whose_samples_are_not_those_on_its_sheet_is_not_loaded(tmp_path):
    generator, other = make_networks()[0], make_networks(seed=1)[0]
    grid = encode_png(draw_preview(other.eval(), seed=0), "{}")
    files = {WEIGHTS_FILE: dump_weights({"generator": generator}), "grid.png": grid}
    manifest = ModelRepository(str(tmp_path)).publish(make_manifest(), files)
    session, _ = make_session(tmp_path)

    with pytest.raises(ModelUnhealthyError, match="golden samples differ by up to"):
        load(session, ref_of(manifest))


def exhaust_above(session, size, error=torch.OutOfMemoryError):
    """Leave memory for batches of so many samples and no more."""
    forward, asked = session._forward, []

    def compute(generator, latents, labels):
        asked.append(len(latents))
        if len(latents) > size:
            raise error("full")
        return forward(generator, latents, labels)

    session._forward = compute
    return asked


def test_a_batch_without_memory_is_computed_in_parts_to_the_same_bytes(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, slots = make_session(tmp_path, batch_sizes=(16, 64))
    runs, labels = [IndexRun(1, 0, 30, 1.0), IndexRun(7, 3, 11, 0.5)], [number % 3 for number in range(41)]
    batch = msgspec.structs.replace(make_batch(manifest, runs, labels, size=64), smaller_sizes=(16,))
    session.sample(batch)
    whole = slots.copy()
    slots[:] = 0
    asked = exhaust_above(session, 16)

    session.sample(batch)

    assert np.array_equal(whole, slots)
    assert [64, 16, 16, 16] == asked


def test_policies_see_the_whole_of_a_batch_that_was_computed_in_parts(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, slots = make_session(tmp_path, batch_sizes=(16, 64))
    batch = msgspec.structs.replace(
        make_batch(manifest, [IndexRun(1, 0, 40, 1.0)], [0] * 40, size=64),
        smaller_sizes=(16,),
        policies=(b'[{"op":"rotate","degrees":[-30,30]}]',),
    )
    session.sample(batch)
    whole = slots.copy()
    exhaust_above(session, 16, MemoryError)

    session.sample(batch)

    assert np.array_equal(whole, slots)


def test_sizes_without_memory_are_left_out_at_load(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path, batch_sizes=(16, 32, 64))
    exhaust_above(session, 16)

    assert (16,) == load(session, ref_of(manifest)).batch_sizes


def test_a_version_without_memory_for_any_size_is_not_loaded(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path)
    exhaust_above(session, 1)

    with pytest.raises(torch.OutOfMemoryError):
        load(session, ref_of(manifest))


@pytest.mark.parametrize("error", [torch.AcceleratorError, RuntimeError])
def test_a_device_that_is_lost_is_no_lack_of_memory(tmp_path, error):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path)
    session.sample(make_batch(manifest, [IndexRun(1, 0, 1, 1.0)], [0]))

    def lose(*_):
        raise error("CUDA error: device-side assert triggered")

    session._forward = lose

    with pytest.raises(error):
        session.sample(make_batch(manifest, [IndexRun(1, 0, 1, 1.0)], [0]))


def publish_coder(root):
    decoder, encoder = make_networks("vae")
    draft = make_manifest("coder", architecture="vae").model_copy(update={"parts": ["generator", "encoder"]})
    files = {WEIGHTS_FILE: dump_weights({"generator": decoder, "encoder": encoder}), "README.md": b"# coder\n"}
    return ModelRepository(str(root)).publish(draft, files), decoder, encoder


def make_images(count):
    return np.random.default_rng(0).integers(0, 256, size=(count, 8, 8, 1), dtype=np.uint8)


def make_job(manifest, images):
    labels = (np.arange(len(images)) % 3).astype("<i4")
    return EncodeImages(1, ref_of(manifest), images.tobytes(), labels.tobytes())


def test_latents_of_images_are_the_means_of_their_posteriors(tmp_path):
    manifest, _, encoder = publish_coder(tmp_path)
    session, _ = make_session(tmp_path)
    images = make_images(16)

    latents = session.encode(make_job(manifest, images))

    with torch.inference_mode():
        posterior = put_channels_last(encoder.eval())(from_pixels(torch.from_numpy(images)), torch.arange(16) % 3)
    assert np.array_equal(posterior.mean.numpy(), latents)


def test_latents_of_an_image_do_not_depend_on_the_others(tmp_path):
    manifest, _, _ = publish_coder(tmp_path)
    session, _ = make_session(tmp_path)
    images = make_images(20)

    together = session.encode(make_job(manifest, images))

    assert np.array_equal(together[:3], session.encode(make_job(manifest, images[:3])))
    assert (20, manifest.latent_dim) == together.shape


def test_a_version_without_an_encoder_reads_no_images(tmp_path):
    manifest = publish_tiny_model(tmp_path)
    session, _ = make_session(tmp_path)

    with pytest.raises(UnsupportedArchitectureError, match="no encoder"):
        session.encode(make_job(manifest, make_images(1)))


def test_latents_that_are_not_finite_are_an_error(tmp_path, monkeypatch):
    manifest, _, _ = publish_coder(tmp_path)
    session, _ = make_session(tmp_path)
    monkeypatch.setattr(session, "_encode_some", lambda *_: np.full((1, 8), np.inf, dtype=np.float32))

    with pytest.raises(WorkerError, match="finite"):
        session.encode(make_job(manifest, make_images(1)))


def test_a_version_with_an_encoder_is_served_by_its_generator(tmp_path):
    manifest, decoder, _ = publish_coder(tmp_path)
    session, slots = make_session(tmp_path)

    session.sample(make_batch(manifest, [IndexRun(5, 0, 16, 1.0)], [0] * 16))

    latents = torch.from_numpy(draw_run_latents([IndexRun(5, 0, 16, 1.0)], manifest.latent_dim))
    with torch.inference_mode():
        expected = to_pixels(put_channels_last(decoder.eval())(latents, torch.zeros(16, dtype=torch.int64)))
    assert np.array_equal(expected.numpy().reshape(-1), slots[0, : expected.numel()])


def test_a_template_is_served_with_latents_of_its_own_prior(tmp_path):
    generator = load_template("glyph-digits")
    manifest = publish_template(ModelRepository(str(tmp_path)), "glyphs", generator)
    session, slots = make_session(tmp_path)
    run = IndexRun(5, 3, 12, 0.5)

    load(session, ref_of(manifest))
    session.sample(make_batch(manifest, [run], [3] * 12, slot=1))

    latents = draw_run_latents([run], manifest.latent_dim, "uniform")
    expected = np.stack([draw_picture(generator.spec, latent, 3) for latent in latents])
    assert np.array_equal(expected.reshape(-1), slots[1, : expected.size])
