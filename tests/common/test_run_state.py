import pytest
import torch

from common.errors import InputError
from common.network_files import write_tensors
from common.training_loop import open_run, optimiser_tensors, save_run, schedule, set_optimiser


def test_schedule_warms_up_and_ends_at_zero():
    values = [schedule(step, 200) for step in range(200)]
    assert values[0] == pytest.approx(0.1) and max(values) > 0.98
    assert values[-1] < 1e-3 and values[5] < values[9]


def test_a_run_goes_on_with_the_optimiser_it_was_stopped_with(tmp_path):
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.AdamW([weight])
    weight.square().sum().backward()
    optimiser.step()
    path = tmp_path / "run.state"
    save_run(optimiser_tensors(optimiser), path, 7, "these options")
    tensors, step = open_run(path, "these options")
    again = torch.optim.AdamW([weight])
    set_optimiser(again, tensors)
    assert step == 7
    for name, value in optimiser_tensors(optimiser).items():
        assert torch.equal(optimiser_tensors(again)[name], value)
    with pytest.raises(ValueError, match=r"run\.state: this unfinished run had other options"):
        open_run(path, "others")


@pytest.mark.parametrize("step", [{}, {"step": "many"}, {"step": "-1"}])
def test_a_run_that_does_not_tell_its_step_is_refused(tmp_path, step):
    write_tensors({}, tmp_path / "run.state", {"record": "these options", **step})
    with pytest.raises(InputError, match=r"run\.state: .* delete it to start anew"):
        open_run(tmp_path / "run.state", "these options")
