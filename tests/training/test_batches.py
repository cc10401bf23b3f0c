"""Batches: shapes, draws by weight, the table kept or prepared when drawn."""

import numpy as np
import pytest
import torch
from scipy import stats

from sklearn_deepod._determinism import TrainingRows
from sklearn_deepod._training import PreprocessedRows, WeightedBatches, _batches

CPU = torch.device("cpu")


def make_rows(n_rows=50, shape=(3,), seed=0):
    rng = np.random.RandomState(seed)
    return TrainingRows(rng.randn(n_rows, *shape), rng.rand(n_rows) + 0.1)


def halved(X):
    return torch.from_numpy(X / 2).float()


def make_batches(
    rows, *, n_members=2, batch_size=8, bootstrap=False, seed=0, n_draws=10**9
):
    prepared = PreprocessedRows(rows, halved, CPU, n_draws)
    generator = torch.Generator().manual_seed(seed)
    return WeightedBatches(prepared, n_members, batch_size, bootstrap, generator)


class TestPreparedRows:
    @pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 3, 3)])
    def test_take(self, shape):
        rows = make_rows(shape=shape)
        index = np.array([[3, 3, 0], [49, 7, 1]])
        expected = (rows.rows()[index] / 2).astype(np.float32)
        for n_draws in (0, 50):
            found = PreprocessedRows(rows, halved, CPU, n_draws).take(index)
            assert found.dtype == torch.float32
            np.testing.assert_array_equal(found.numpy(), expected)

    def test_small_table_is_prepared_once(self):
        calls = []

        def prepare(X):
            calls.append(len(X))
            return halved(X)

        rows = make_rows()
        kept = PreprocessedRows(rows, prepare, CPU, n_draws=50)
        kept.take(np.array([1, 2]))
        kept.take(np.array([1, 2]))
        assert calls == [50]

    def test_of_a_large_table_only_drawn_rows_are_prepared(self):
        calls = []

        def prepare(X):
            calls.append(len(X))
            return halved(X)

        prepared = PreprocessedRows(make_rows(), prepare, CPU, n_draws=49)
        assert calls == []
        prepared.take(np.array([[1, 2], [3, 4]]))
        assert calls == [4]

    def test_number_of_columns_may_change(self):
        def doubled(X):
            return torch.from_numpy(np.hstack([X, X])).float()

        for n_draws in (0, 50):
            prepared = PreprocessedRows(make_rows(), doubled, CPU, n_draws)
            assert prepared.take(np.zeros((2, 5), dtype=int)).shape == (2, 5, 6)


class TestWeightedBatches:
    @pytest.mark.parametrize("bootstrap", [False, True])
    @pytest.mark.parametrize("shape", [(3,), (4, 2), (2, 3, 3)])
    def test_shapes_and_number_of_steps(self, shape, bootstrap):
        batches = make_batches(make_rows(shape=shape), bootstrap=bootstrap)
        found = list(batches.steps(7))
        assert len(found) == 7
        assert {batch.shape for batch in found} == {(2, 8, *shape)}

    def test_batch_may_be_larger_than_the_table(self):
        (batch,) = make_batches(make_rows(5), batch_size=64).steps(1)
        assert batch.shape == (2, 64, 3)
        assert len(torch.unique(batch.view(-1, 3), dim=0)) == 5

    @pytest.mark.parametrize("bootstrap", [False, True])
    def test_kept_table_and_drawn_rows_give_equal_batches(self, bootstrap):
        kept = make_batches(make_rows(), bootstrap=bootstrap)
        drawn = make_batches(make_rows(), bootstrap=bootstrap, n_draws=0)
        for a, b in zip(kept.steps(5), drawn.steps(5), strict=True):
            assert torch.equal(a, b)

    @pytest.mark.parametrize("bootstrap", [False, True])
    def test_size_of_the_gathers_does_not_matter(self, monkeypatch, bootstrap):
        expected = list(make_batches(make_rows(), bootstrap=bootstrap).steps(7))
        cells_of_a_step = 2 * 8 * 3
        monkeypatch.setattr(_batches, "BLOCK_CELLS", 3 * cells_of_a_step)
        found = list(make_batches(make_rows(), bootstrap=bootstrap).steps(7))
        assert torch.equal(torch.stack(found), torch.stack(expected))
        monkeypatch.setattr(_batches, "BLOCK_CELLS", 1)
        found = list(make_batches(make_rows(), bootstrap=bootstrap).steps(7))
        assert torch.equal(torch.stack(found), torch.stack(expected))

    def test_epochs_go_on_in_the_stream(self):
        batches = make_batches(make_rows())
        parts = [*batches.steps(3), *batches.steps(4)]
        whole = list(make_batches(make_rows()).steps(7))
        assert torch.equal(torch.stack(parts), torch.stack(whole))
        assert not torch.equal(parts[0], parts[3])

    def test_seed_decides(self):
        first, again, other = (
            torch.stack(list(make_batches(make_rows(), seed=seed).steps(3)))
            for seed in (0, 0, 1)
        )
        assert torch.equal(first, again)
        assert not torch.equal(first, other)

    def test_global_state_is_left_alone(self):
        before = torch.get_rng_state(), str(np.random.get_state())
        list(make_batches(make_rows(), bootstrap=True).steps(3))
        assert torch.equal(torch.get_rng_state(), before[0])
        assert str(np.random.get_state()) == before[1]

    @pytest.mark.parametrize("resident", [True, False])
    def test_rows_come_up_by_their_weights(self, resident):
        rows = make_rows(20, shape=(1,))
        n_draws = 10**9 if resident else 0
        batches = make_batches(rows, batch_size=50, n_draws=n_draws)
        drawn = torch.cat([b.view(-1) for b in batches.steps(100)]).numpy()
        counts = [(drawn == value).sum() for value in halved(rows.rows()[:, 0]).numpy()]
        assert sum(counts) == 10_000
        expected = rows.weight / rows.weight.sum() * 10_000
        assert stats.chisquare(counts, expected).pvalue > 0.01

    def test_members_draw_their_own_rows(self):
        batch = next(make_batches(make_rows()).steps(1))
        assert not torch.equal(batch[0], batch[1])


class TestBootstrap:
    def drawn_by_member(self, rows, n_steps=200):
        batches = make_batches(rows, batch_size=16, bootstrap=True)
        drawn = torch.cat(list(batches.steps(n_steps)), dim=1)[:, :, 0]
        return [set(member.tolist()) for member in drawn]

    def test_members_differ_and_miss_some_rows(self):
        rows = TrainingRows(np.arange(1.0, 101.0)[:, None])
        first, second = self.drawn_by_member(rows)
        assert first != second
        # A bootstrap sample holds 1 - 1/e of the rows.
        for seen in (first, second):
            assert 50 <= len(seen) <= 76

    def test_without_it_members_see_all_rows(self):
        rows = TrainingRows(np.arange(1.0, 101.0)[:, None])
        batches = make_batches(rows, batch_size=16)
        drawn = torch.cat(list(batches.steps(200)), dim=1)
        assert [len(torch.unique(member)) for member in drawn] == [100, 100]

    def test_sample_has_the_size_of_the_summed_weights(self):
        rows = TrainingRows(np.arange(4.0)[:, None], np.array([1.0, 5.0, 0.4, 2.0]))
        batches = make_batches(rows, bootstrap=True, n_members=3)
        for sample in batches.samples:
            counts = np.bincount(sample((np.arange(800) + 0.5) / 800), minlength=4)
            assert (counts % 100 == 0).all()

    def test_samples_of_large_weights_take_little_memory(self):
        weight = 1e12 * np.array([1.0, 5.0, 2.0, 1e-9])
        rows = TrainingRows(np.arange(4.0)[:, None], weight)
        batches = make_batches(rows, bootstrap=True, n_members=3)
        for sample in batches.samples:
            counts = np.bincount(sample((np.arange(800) + 0.5) / 800), minlength=4)
            np.testing.assert_allclose(counts, rows.weight / 1e10, atol=1)

    def test_large_samples_vary_as_small_ones_do(self, monkeypatch):
        monkeypatch.setattr(_batches, "_MOST_DRAWS", 20)
        rows = TrainingRows(np.arange(20.0)[:, None], np.full(20, 5.0))
        batches = make_batches(rows, bootstrap=True, n_members=300)
        grid = (np.arange(100) + 0.5) / 100
        counts = [np.bincount(s(grid), minlength=20) for s in batches.samples]
        assert np.sum(counts, axis=1).tolist() == [100] * 300
        # Of a multinomial with 100 draws from 20 rows.
        np.testing.assert_allclose(np.var(counts), 100 * 0.05 * 0.95, rtol=0.1)

    def test_tiny_weights_still_give_a_row(self):
        rows = TrainingRows(np.arange(4.0)[:, None], np.full(4, 1e-3))
        (batch,) = make_batches(rows, bootstrap=True).steps(1)
        assert [len(torch.unique(member)) for member in batch] == [1, 1]
