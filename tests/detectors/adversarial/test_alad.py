"""What is special to ALAD; what it shares with AnoGAN is tested there."""

import numpy as np
import pytest
import torch

from sklearn_deepod import ALAD
from tests.conftest import QUICK


def quick(**params):
    return ALAD(**(QUICK | {"novelty": True, "max_steps": 40} | params))


def test_published_score(table):
    X, _ = table
    detector = quick().fit(X)
    module = detector.net_.module_
    Z = detector._for_members(detector._preprocess(X))
    with torch.no_grad():
        rebuilt = module.generator["decoder"](module.generator["encoder"](Z))
        judge = module.discriminators["xx"]
        same = judge(torch.cat([Z, Z], dim=2))[1].numpy()
        other = judge(torch.cat([Z, rebuilt], dim=2))[1].numpy()
    score = np.abs(same.astype(np.float64) - other).sum(axis=2).mean(axis=0)
    np.testing.assert_allclose(detector.score_samples(X), -score, rtol=1e-4)


@pytest.mark.parametrize("latent_cycle", [True, False])
def test_published_losses(latent_cycle, table):
    detector = quick(latent_cycle=latent_cycle, max_steps=1).fit(table[0])
    module = detector.net_.module_.eval()
    X = detector._for_members(detector._preprocess(table[0]))
    module.training = True  # of the whole, so that its layers stay as they are
    seed = torch.Generator().manual_seed(3)
    with torch.no_grad():
        steps = [losses for _, losses, _ in detector._losses(module, X, seed)]
        noise = torch.randn(2, 200, 64, generator=torch.Generator().manual_seed(3))
        encode, decode = module.encode, module.decode
        code, made = encode(X), decode(noise)

        def chance(name, *rows):
            return torch.sigmoid(module.discriminators[name](*rows)[0])

        def both(a, b):
            return torch.cat([a, b], dim=2)

        real = [chance("xz", X, code), chance("xx", both(X, X))]
        fake = [chance("xz", made, noise), chance("xx", both(X, decode(code)))]
        if latent_cycle:
            real.append(chance("zz", both(noise, noise)))
            fake.append(chance("zz", both(noise, encode(made))))
    judges = -sum(r.log() for r in real) - sum((1 - f).log() for f in fake)
    makers = -sum(f.log() for f in fake) - (1 - real[0]).log()
    torch.testing.assert_close(steps[0], judges, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(steps[1], makers, rtol=1e-3, atol=1e-4)


def test_discriminators(table):
    names = set(quick(max_steps=1).fit(table[0]).net_.module_.discriminators)
    assert names == {"xz", "xx", "zz"}
    detector = quick(max_steps=1, latent_cycle=False).fit(table[0])
    assert set(detector.net_.module_.discriminators) == {"xz", "xx"}
