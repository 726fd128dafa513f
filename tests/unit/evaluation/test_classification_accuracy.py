from app.evaluation.classification_accuracy import classification_accuracy_score


def score(learned_from, test, **options):
    return classification_accuracy_score(
        learned_from.images, learned_from.labels, test, **{"steps": 12, "batch_size": 16} | options
    )


def test_images_that_are_like_the_real_ones_teach_them(make_halves):
    assert score(make_halves(), make_halves(seed=1)) > 0.95


def test_images_with_wrong_labels_teach_the_opposite(make_halves):
    wrong = make_halves()
    wrong.labels[:] = 1 - wrong.labels

    assert score(wrong, make_halves(seed=1)) < 0.05


def test_the_score_follows_from_the_seed(make_halves):
    data, test = make_halves(8), make_halves(seed=1)

    assert score(data, test, steps=2, seed=3) == score(data, test, steps=2, seed=3)
