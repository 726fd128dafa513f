"""Any interleaving of what may happen to the batcher keeps its promises."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from app.schemas.jobs import ModelRef
from app.serving.batcher import Batcher

MODELS = (ModelRef("digits", 1, "d" * 64), ModelRef("faces", 2, "f" * 64))
SIZES = (2, 4, 8)
WINDOW = 2
LANES = 2


class Request:
    """What the test knows of an admitted request."""

    def __init__(self, model, num_samples):
        self.model = model
        self.num_samples = num_samples
        self.delivered = set()
        self.read = 0
        self.planned = 0
        self.deaths = 0
        self.suspected = set()

    @property
    def first_missing(self):
        return next(i for i in range(self.num_samples + 1) if i not in self.delivered)

    @property
    def is_done(self):
        return len(self.delivered) == self.num_samples


class BatcherMachine(RuleBasedStateMachine):
    tickets = Bundle("tickets")

    def __init__(self):
        super().__init__()
        self.batcher = Batcher(window_batches=WINDOW)
        self.batcher.lanes = LANES
        for model in MODELS:
            self.batcher.set_sizes(model, SIZES)
        self.requests = {}
        self.sent = []
        self.started = []  # the worker begins in order, on each lane that is free, and may end in any

    @rule(
        target=tickets,
        model=st.sampled_from(MODELS),
        num_samples=st.integers(1, 40),
        interactive=st.booleans(),
        key=st.sampled_from("ab"),
    )
    def submit(self, model, num_samples, interactive, key):
        ticket = self.batcher.submit(model, num_samples, interactive=interactive and num_samples <= SIZES[-1], key=key)
        self.requests[ticket] = Request(model, num_samples)
        return ticket

    @rule(ticket=tickets, share=st.floats(0, 1))
    def read(self, ticket, share):
        request = self.requests.get(ticket)
        if request is not None:
            request.read += round(share * (request.first_missing - request.read))
            self.batcher.read(ticket, request.read)

    @rule(ticket=tickets)
    def cancel(self, ticket):
        request = self.requests.pop(ticket, None)
        assert (request is not None and not request.is_done) == self.batcher.cancel(ticket)

    @rule()
    def send(self):
        batch = self.batcher.next_batch()
        if batch is not None:
            self.check_batch(batch)
            self.sent.append(batch)

    @precondition(lambda self: len(self.started) < min(LANES, len(self.sent)))
    @rule()
    def start(self):
        batch = self.sent[len(self.started)]
        self.batcher.start(batch.batch_id)
        self.started.append(batch)

    @precondition(lambda self: self.started)
    @rule(which=st.integers(0, LANES - 1))
    def complete(self, which):
        batch = self.end(which)
        assert batch == self.batcher.complete(batch.batch_id)
        for part in batch.parts:
            self.deliver(part)

    @precondition(lambda self: self.started)
    @rule(which=st.integers(0, LANES - 1))
    def fail(self, which):
        batch = self.end(which)
        live = {part.ticket for part in batch.parts if part.ticket in self.requests}
        assert live == set(self.batcher.fail(batch.batch_id))
        for ticket in live:
            del self.requests[ticket]

    @rule()
    def lose_worker(self):
        suspects = {part.ticket for batch in self.started for part in batch.parts}
        self.sent.clear()
        self.started.clear()
        poisoned = set()
        for ticket in suspects & self.requests.keys():
            request = self.requests[ticket]
            request.deaths += 1
            request.suspected = set(range(request.planned)) - request.delivered
            if request.deaths == 2:
                poisoned.add(ticket)
        assert poisoned == set(self.batcher.lose_worker())
        for ticket in poisoned:
            del self.requests[ticket]

    @rule(sizes=st.sampled_from([(2, 4, 8), (4, 8), (2,)]), model=st.sampled_from(MODELS))
    def reload(self, sizes, model):
        self.batcher.set_sizes(model, sizes)

    @invariant()
    def is_bounded(self):
        assert self.batcher.in_flight == len(self.sent) <= LANES + 1
        assert len(self.batcher) == sum(not request.is_done for request in self.requests.values())

    def teardown(self):
        """Whatever happened before: with readers that read and a worker that works, all is answered."""
        self.read_all()
        self.send()
        while self.sent:
            if not self.started:
                self.start()
            self.complete(0)
            self.read_all()
            self.send()
        assert all(request.is_done for request in self.requests.values())
        assert 0 == len(self.batcher) == self.batcher.waiting_samples

    def read_all(self):
        for ticket, request in self.requests.items():
            request.read = request.first_missing
            self.batcher.read(ticket, request.read)

    def check_batch(self, batch):
        assert 1 <= batch.num_samples <= batch.size
        assert batch.size in SIZES
        suspects = {part.ticket for part in batch.parts if self.requests[part.ticket].deaths}
        assert not suspects or {part.ticket for part in batch.parts} == suspects
        assert len(suspects) <= 1
        assert not suspects or not self.sent, "a suspect runs alone"
        assert not any(self.requests[part.ticket].deaths for part in self.live_parts())
        in_flight = {(part.ticket, i) for sent in self.sent for part in sent.parts for i in self.samples(part)}
        for part in batch.parts:
            request = self.requests[part.ticket]
            assert batch.model == request.model
            assert part.offset + part.count <= min(request.num_samples, request.read + WINDOW * SIZES[-1])
            samples = set(self.samples(part))
            assert not samples & request.delivered
            assert not {(part.ticket, i) for i in samples} & in_flight
            first_missing = next(
                i
                for i in range(request.num_samples)
                if i not in request.delivered and (part.ticket, i) not in in_flight
            )
            assert first_missing == part.offset
            in_flight |= {(part.ticket, i) for i in samples}
            request.planned = max(request.planned, part.offset + part.count)

    def end(self, which):
        batch = self.started.pop(which % len(self.started))
        self.sent.remove(batch)
        return batch

    def live_parts(self):
        return [part for batch in self.sent for part in batch.parts if part.ticket in self.requests]

    def deliver(self, part):
        request = self.requests.get(part.ticket)
        if request is not None:
            assert not request.delivered & set(self.samples(part))
            request.delivered |= set(self.samples(part))
            if request.suspected <= request.delivered:
                request.deaths = 0

    @staticmethod
    def samples(part):
        return range(part.offset, part.offset + part.count)


BatcherMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)
test_batcher_keeps_its_promises = BatcherMachine.TestCase
