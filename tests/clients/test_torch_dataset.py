"""Our datasets of torch, read by its own loader from a service that runs."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from app.client import Balanced, Client, InvalidRequestError, SyntheticDataset

N = 60
WHOLES = {"uncounted": {"num_samples": N}, "counted": {"class_counts": {0: 10, 1: 35, 2: 15}}}


@pytest.fixture
def open_dataset(service):
    def open_one(**values):
        return SyntheticDataset(service.url, "tiny@2", dtype=torch.uint8, **({"seed": 4, "num_samples": N} | values))

    return open_one


@pytest.fixture(params=WHOLES)
def values(request):
    return WHOLES[request.param] | ({"num_samples": None} if "counted" == request.param else {})


def gather(dataset, **options):
    batches = list(DataLoader(dataset, batch_size=8, **options))
    return torch.cat([images for images, _ in batches]), torch.cat([labels for _, labels in batches])


def as_set(images, labels):
    return sorted((image.numpy().tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


def test_the_samples_are_those_of_the_client(open_dataset, service, values):
    with Client(service.url) as client:
        samples = client.sample("tiny@2", seed=4, **values)
    images, labels = samples.to_torch()

    dataset = open_dataset(**values)

    assert N == len(dataset)
    assert as_set(images, labels) == as_set(*gather(dataset))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_two_workers_have_what_none_has(open_dataset, values, start):
    images, labels = gather(open_dataset(**values), num_workers=0)

    loader = DataLoader(open_dataset(**values), batch_size=None, num_workers=2, multiprocessing_context=start)
    taken = list(loader)

    both = torch.stack([image for image, _ in taken]), torch.tensor([label for _, label in taken])
    assert as_set(images, labels) == as_set(*both)
    for shard in (0, 1):  # a loader takes from its workers in turns
        own = torch.stack([image for image, _ in taken[shard::2]])
        half = slice(shard * N // 2, (shard + 1) * N // 2)
        assert torch.equal(images[half], own)


@pytest.mark.parametrize("world_size", [1, 3, 7])
def test_ranks_join_to_the_whole(open_dataset, values, world_size):
    whole, _ = gather(open_dataset(**values))

    parts = [list(open_dataset(place=(rank, world_size), **values)) for rank in range(world_size)]

    assert torch.equal(whole, torch.stack([image for part in parts for image, _ in part]))
    assert {N // world_size, -(-N // world_size)} >= {len(part) for part in parts}


@pytest.mark.parametrize("taken", [0, 1, 23, N])
def test_a_broken_off_iteration_goes_on(open_dataset, values, taken):
    whole, _ = gather(open_dataset(**values))
    first = open_dataset(**values)
    images = iter(first)
    for _ in range(taken):
        next(images)

    second = open_dataset(**values)
    second.load_state_dict(first.state_dict())
    rest = [image for image, _ in second]

    assert N - taken == len(rest)
    assert all(torch.equal(*pair) for pair in zip(whole[taken:], rest, strict=True))
    assert N == len(list(second)), "the next iteration is whole again"


def test_a_state_of_other_samples_is_refused(open_dataset):
    with pytest.raises(ValueError, match="other samples"):
        open_dataset(seed=5).load_state_dict(open_dataset().state_dict())


def test_epochs_have_new_samples_in_workers_that_stay_too(open_dataset):
    dataset = open_dataset()
    loader = DataLoader(dataset, batch_size=None, num_workers=1, persistent_workers=True)
    first = torch.stack([image for image, _ in loader])
    dataset.set_epoch(1)
    second = torch.stack([image for image, _ in loader])

    assert torch.equal(gather(open_dataset(first_index=N))[0], second)
    assert not torch.equal(first, second)


def test_counted_classes_come_mixed(open_dataset):
    _, labels = gather(open_dataset(num_samples=None, class_counts={0: 30, 1: 30}))

    assert all(12 <= int(labels[at : at + 30].sum()) <= 18 for at in range(0, 60, 30))


def test_values_are_between_zero_and_one_and_batches_whole(service):
    dataset = SyntheticDataset(service.url, "tiny@2", num_samples=N, batch_size=25, transform=torch.neg)

    batches = list(DataLoader(dataset, batch_size=None))

    assert [25, 25, 10] == [len(images) for images, _ in batches]
    images = torch.cat([images for images, _ in batches])
    assert (torch.float32, (N, 1, 16, 16)) == (images.dtype, tuple(images.shape))
    assert -1 <= images.min() < images.max() <= 0


class Real(Dataset):
    """A few images of some classes."""

    def __init__(self, labels):
        self.targets = labels

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, number):
        if number >= len(self):
            raise IndexError
        return torch.full((1, 16, 16), 2.0), self.targets[number]


def test_minority_classes_are_topped_up(service):
    real = Real([0] * 6 + [1] * 2 + [2] * 5)

    balanced = Balanced(real, service.url, "tiny@2", seed=1)
    items = [(label, made) for _, label, made in balanced]

    assert (13, 5, 18) == (balanced.num_real, balanced.num_synthetic, len(balanced))
    assert [6, 6, 6] == [sum(label == one for label, _ in items) for one in range(3)]
    assert [False] * 13 + [True] * 5 == [made for _, made in items]


def test_what_is_made_is_of_the_class_that_it_says(service):
    balanced = Balanced(Real([0, 0, 0, 1]), service.url, "tiny@2", to=3, seed=1, classes={0: 0, 1: 2})

    made = [(image, label) for image, label, is_made in balanced if is_made]
    assert [1, 1] == [label for _, label in made]
    with Client(service.url) as client:
        twos = client.sample("tiny@2", class_counts={2: 2}, seed=1)
    for (image, _), pixels in zip(made, twos.images, strict=True):
        np.testing.assert_allclose(pixels.transpose(2, 0, 1) / 255, image, atol=1e-6)


def test_a_loader_may_shuffle_it(service):
    balanced = Balanced(Real([0] * 6 + [1] * 2), service.url, "tiny@2", seed=1)

    batches = list(DataLoader(balanced, batch_size=4, shuffle=True, num_workers=2))

    labels = torch.cat([labels for _, labels, _ in batches])
    made = torch.cat([made for _, _, made in batches])
    assert [6, 6] == [int((labels == one).sum()) for one in range(2)]
    assert 4 == int(made.sum())


def test_a_class_that_the_model_lacks_is_named(service):
    with pytest.raises(InvalidRequestError, match="no such class"):
        Balanced(Real([0, 0, 9]), service.url, "tiny@2")


def test_a_balanced_dataset_stays_as_it_is(service):
    balanced = Balanced(Real([0, 1, 2]), service.url, "tiny@2")

    assert (3, 0) == (len(balanced), balanced.num_synthetic)
