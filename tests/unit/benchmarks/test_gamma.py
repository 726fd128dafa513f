from gamma import RECIPES, SEEDS, STARTS, Cell, Study, _plan, render

FIGURES = {"mnist": {"fid": 6.0}, "stacked": {"modes": 990.0, "reverse_kl": 0.4}}


def test_every_start_is_tried_both_ways_on_every_data_set_and_seed():
    cells = list(_plan(90))

    assert 2 * len(RECIPES) * len(STARTS) * len(SEEDS) == len({cell.key for cell in cells})
    assert {"r1_gamma=0.01", "gamma_control=true", "clock=cpu"} <= set(cells[1].options)


def test_the_table_shows_medians_and_what_is_missing():
    cells = [
        Cell(data=data, start=2.0, is_steered=False, seed=seed, cpu_s=90, figures=FIGURES[data])
        for data in ("mnist", "stacked")
        for seed in (0, 1)
    ]
    cells[0] = cells[0].model_copy(update={"figures": {"fid": 8.0}})

    lines = render(Study(machine="a machine", cells=cells)).splitlines()

    assert "| 2 | constant | 7.00 (6.00 to 8.00) | 990 (990 to 990) | 0.40 (0.40 to 0.40) | 2 |" in lines
    assert "| 2 | steered | - | - | - | 0 |" in lines
