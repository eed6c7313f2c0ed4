import cusynapse
import numpy as np
import pytest

I, O, ROWS = 9, 5, 4


def projection(dtype="float32", **options):
    return cusynapse.Projection(I, O, seed=7, dtype=dtype, **options)


@pytest.mark.parametrize("leading", [(), (ROWS,), (2, ROWS)])
def test_graded_is_the_product_with_the_weights(leading, dtype, generator):
    made = projection(dtype)
    spikes = generator.random((*leading, I)) < 0.5
    graded = made.forward(spikes)
    assert graded.shape == (*leading, O)
    np.testing.assert_allclose(graded, spikes.astype(dtype) @ made.weight.T, rtol=1e-4, atol=1e-6)
    twice = made.forward(spikes, graded.copy(), accumulate=True)
    np.testing.assert_array_equal(twice, graded + graded)


def test_gradients_are_those_of_the_product(dtype, generator):
    made = projection(dtype)
    spikes = generator.random((2, ROWS, I)) < 0.5
    grad = generator.standard_normal((2, ROWS, O)).astype(dtype)
    of_spikes, of_weight = made.backward(grad, spikes)
    np.testing.assert_allclose(of_spikes, grad @ made.weight, rtol=1e-4, atol=1e-6)
    expected = grad.reshape(-1, O).T @ spikes.reshape(-1, I).astype(dtype)
    np.testing.assert_allclose(of_weight, expected, rtol=1e-4, atol=1e-6)
    out = of_weight.copy()
    nothing, same = made.backward(
        grad, spikes, grad_spikes=False, grad_weight=out, accumulate=True)
    assert nothing is None and same is out
    np.testing.assert_array_equal(out, of_weight + of_weight)


def test_weights_not_connected_are_zero(dtype, generator):
    mask = generator.random((I, O)) < 0.5
    made = projection(dtype, mask=mask)
    assert made.is_masked
    np.testing.assert_array_equal(made.weight == 0, ~mask.T)
    made.edit()[...] = 1
    np.testing.assert_array_equal(made.forward(np.ones((1, I), bool))[0], mask.sum(axis=0))
    of_weight = made.backward(np.ones((1, O), dtype), np.ones((1, I), bool))[1]
    np.testing.assert_array_equal(of_weight, mask.T)


def test_initial_weights_are_within_the_fan_in(dtype):
    weight = projection(dtype).to_host()
    assert (np.abs(weight) <= 1 / 3).all()
    made = projection(dtype)
    made.reset_parameters(8)
    assert (made.weight != weight).any()
    made.reset_parameters(7)
    np.testing.assert_array_equal(made.weight, weight)


def test_the_hardware_image_is_rounded_and_sorted_by_sign(dtype, generator):
    made = projection(dtype, scale=10.0, maximum=20.0)
    made.set((generator.standard_normal((O, I)) * 3).astype(dtype))
    values = np.clip(made.weight * np.dtype(dtype).type(10), -63, 20)
    excitatory, inhibitory = made.hardware_image()
    assert excitatory.dtype == np.uint8
    np.testing.assert_array_equal(excitatory, np.floor(np.maximum(values, 0) + 0.5))
    np.testing.assert_array_equal(inhibitory, np.floor(np.maximum(-values, 0) + 0.5))


def test_one_receptor_has_one_sign():
    excitatory, inhibitory = projection(receptor="excitatory").hardware_image()
    assert excitatory is not None and inhibitory is None
    with pytest.raises(cusynapse.NotSupported):
        projection(receptor="excitatory").get_connections("inhibitory")
    with pytest.raises(ValueError, match="receptor is 'both', expected one of 'excitatory', 'inh"):
        projection().get_connections("both")


def test_connections_are_listed_output_after_output():
    made = projection(scale=100.0)
    connections = made.get_connections("inhibitory")
    assert connections.shape == (O * I,)
    np.testing.assert_array_equal(connections["post"], np.repeat(np.arange(O), I))
    np.testing.assert_array_equal(connections["pre"], np.tile(np.arange(I), O))
    np.testing.assert_array_equal(connections["weight"].reshape(O, I), made.hardware_image()[1])


def test_a_transform_may_be_a_function():
    made = projection(transform=lambda weights: np.sign(weights) * np.float32(5))
    np.testing.assert_array_equal(made.hardware_image()[0], 5 * (made.weight > 0))
    wide = projection(transform=lambda weights: weights * np.float32(1e6))
    with pytest.raises(cusynapse.InvalidArgument):
        wide.hardware_image()
    with pytest.raises(TypeError, match="Projection.transform.*float64, expected float32"):
        projection(transform=lambda weights: weights.astype(float)).hardware_image()


def test_knows_whether_hardware_must_be_written():
    made = projection()
    assert made.changed_since_last_run
    made.reset_changed()
    assert not made.changed_since_last_run
    made.edit()
    assert made.changed_since_last_run


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="'neither', expected one of 'excitatory', 'inhibitory', 'both'"):
        projection(receptor="neither")
    with pytest.raises(cusynapse.ShapeMismatch):
        projection(mask=np.ones((O, I), bool))
    with pytest.raises(cusynapse.InvalidArgument):
        projection(minimum=1.0, maximum=0.0)
