import cusynapse
import numpy as np
import pytest
import references

DT, SLOTS, SHAPE = 0.5, 6, (2, 5)


HALVES = {"float16": 2.0**-11, "bfloat16": 2.0**-8}  # what rounding changes a value by, relative


def dtype_of(storage):
    return "float32" if storage in HALVES else storage


def kept(values, storage):
    """Values as a history has them."""
    return references.rounded(values.astype(np.float32), storage) if storage in HALVES else values


def filled(storage, generator, count=8):
    """A history stored as that, and its observations, newest first."""
    dtype = dtype_of(storage)
    history = cusynapse.History(
        5, DT, 2.5, inclusive=True, batch_size=2, storage=storage, dtype=dtype)
    assert history.slots == SLOTS
    records = []
    for _ in range(count):
        values = generator.standard_normal(SHAPE)
        observation = values > 0 if dtype == "bool" else values.astype(dtype)
        history.push(observation)
        records.insert(0, kept(observation, storage))
    return history, records[:SLOTS]


@pytest.fixture(params=["float32", "float64", *HALVES, "bool"])
def any_storage(request):
    return request.param


@pytest.fixture(params=["float32", "float64", *HALVES])
def number_storage(request):
    return request.param


def test_reads_back_what_was_pushed(any_storage, generator):
    history, records = filled(any_storage, generator)
    assert history.peek().dtype == history.dtype == dtype_of(any_storage)
    np.testing.assert_array_equal(history.peek(), records[0])
    for k in range(1, SLOTS + 1):
        np.testing.assert_array_equal(history.read(k), records[k - 1])
    np.testing.assert_array_equal(history.read(0), records[-1])
    assert history.pointer() == 8 % SLOTS


def test_pop_moves_back_and_increment_on(any_storage, generator):
    history, records = filled(any_storage, generator)
    np.testing.assert_array_equal(history.pop(), records[0])
    np.testing.assert_array_equal(history.peek(), records[1])
    history.increment()
    history.decrement(2)
    np.testing.assert_array_equal(history.peek(), records[2])


def test_ranges_go_from_old_to_new(any_storage, generator):
    history, records = filled(any_storage, generator)
    np.testing.assert_array_equal(
        history.read_range(3), np.stack(records[2::-1], axis=-1))
    np.testing.assert_array_equal(
        history.read_range(2, 3, forward=True), np.stack(records[2:0:-1], axis=-1))
    ones = np.ones((*SHAPE, 2), history.dtype)
    history.write_range(ones, 2)
    np.testing.assert_array_equal(history.read_range(2, 2), ones)
    np.testing.assert_array_equal(history.peek(), records[0])
    with pytest.raises(ValueError, match="length is 7, expected 1 to 6"):
        history.read_range(7)


def test_write_align_and_reset(any_storage, generator):
    history, records = filled(any_storage, generator)
    history.write(records[4], 1)
    np.testing.assert_array_equal(history.peek(), records[4])
    history.align(2)
    assert history.pointer() == 2
    np.testing.assert_array_equal(history.read(2), records[1])
    history.reset(1)
    assert history.pointer() == 0
    np.testing.assert_array_equal(history.read(3), np.ones(SHAPE, history.dtype))


RULES = {
    "previous": (references.previous, 0.0),
    "next": (references.following, 0.0),
    "nearest": (references.nearest, 0.0),
    "linear": (references.linear, 0.0),
    "exponential_decay": (references.exponential_decay(3.0), 3.0),
    "exponential_rate_decay": (references.exponential_decay(4.0), 0.25),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("trailing", [(), (3,)])
def test_selects_at_a_time_for_every_element(rule, trailing, number_storage, generator):
    history, records = filled(number_storage, generator)
    interpolate, constant = RULES[rule]
    dtype = dtype_of(number_storage)
    T = np.dtype(dtype).type
    times = (generator.random((*SHAPE, *trailing)) * 2.5).astype(dtype)
    times.ravel()[::3] = 1.5
    expected = np.empty(times.shape, dtype)
    for index in np.ndindex(*times.shape):
        at_index = [record[index[:2]] for record in records]
        expected[index] = references.select(at_index, times[index], DT, 0.0, interpolate, T)
    for check in (True, False):
        got = history.select(times, interpolation=rule, constant=constant, check=check)
        np.testing.assert_allclose(got, expected, rtol=5e-7 if "exponential" in rule else 0)


def test_selects_at_one_time(any_storage, generator):
    history, records = filled(any_storage, generator)
    np.testing.assert_array_equal(history.select(1), records[2])
    np.testing.assert_array_equal(history.select(1.2), records[3])
    np.testing.assert_array_equal(history.select(1.2, interpolation="next"), records[2])
    np.testing.assert_array_equal(history.select(1.49, tolerance=0.02), records[3])


def test_boolean_histories_take_times_in_float32(generator):
    history, records = filled("bool", generator)
    times = np.full(SHAPE, 1.0, np.float32)
    np.testing.assert_array_equal(history.select(times), records[2])
    with pytest.raises(TypeError, match="times has dtype float64, expected float32"):
        history.select(times.astype(np.float64))
    with pytest.raises(cusynapse.NotSupported):
        history.select(times, interpolation="linear")


def test_inserts_around_a_time(number_storage, generator):
    history, records = filled(number_storage, generator)
    dtype = history.dtype
    values = generator.standard_normal(SHAPE).astype(dtype)

    def expect(steps_back, expected, rtol=0.0):
        np.testing.assert_allclose(
            history.read(steps_back), kept(expected, number_storage), rtol=rtol)

    history.insert(values, 0.7, extrapolation="previous", offset=1)  # between 1.0 and 0.5 ms before
    expect(3, values)
    expect(2, records[1])
    history.insert(
        values, np.full(SHAPE, 0.7, dtype), extrapolation="next", offset=1, check=False)
    expect(2, values)
    history.insert(
        values + 1, np.full(SHAPE, 2.0, dtype), extrapolation="neighbors", offset=1)  # on a step
    expect(5, values + 1)
    history.insert(values - 1, 0.0)  # at the slot the next push writes
    history.increment()
    expect(1, values - 1)
    tau, at = 3.0, 0.5 - 0.2  # 0.2 ms before the step at 0 ms: 0.3 after the older one
    history.insert(values, 0.2, extrapolation="exponential_decay", constant=tau, offset=1)
    rtol = 5e-7 + 2 * HALVES.get(number_storage, 0.0)  # which may round to the next number
    expect(2, values * np.exp(at / tau), rtol)
    expect(1, values * np.exp((at - DT) / tau), rtol)


def test_times_outside_are_refused(dtype, generator):
    history, records = filled(dtype, generator)
    for time in (-0.1, 2.6, np.nan):
        with pytest.raises(cusynapse.InvalidArgument):
            history.select(time)
        with pytest.raises(cusynapse.InvalidArgument):
            history.select(np.full(SHAPE, time, dtype))
        with pytest.raises(cusynapse.InvalidArgument):
            history.insert(records[0], np.full(SHAPE, time, dtype))


def test_changes_keep_the_newest(any_storage, generator):
    history, records = filled(any_storage, generator)
    history.set_duration(1.0)
    assert (history.slots, history.duration) == (3, 1.0)
    np.testing.assert_array_equal(history.read(3), records[2])
    history.set_step_time(1.0)
    history.set_inclusive(False)
    assert (history.slots, history.inclusive, history.step_time) == (1, False, 1.0)
    np.testing.assert_array_equal(history.peek(), records[0])
    history.set_batch_size(1)
    assert history.batched_shape == (1, 5)
    np.testing.assert_array_equal(history.peek(), records[0][1:])


def test_unknown_rules_and_dtypes_are_refused():
    history = cusynapse.History(5)
    values = np.zeros((1, 5), np.float32)
    with pytest.raises(ValueError, match="interpolation is 'cubic', expected one of 'previous'"):
        history.select(0.0, interpolation="cubic")
    with pytest.raises(ValueError, match="extrapolation is 'cubic', expected one of 'previous'"):
        history.insert(values, 0.0, extrapolation="cubic")
    with pytest.raises(ValueError, match="dtype is 'int32', expected 'float32' or 'float64'"):
        cusynapse.History(5, dtype=np.int32)


def test_storage_is_a_type_of_the_history():
    assert cusynapse.History(3).storage == "float32"
    assert cusynapse.History(3, dtype="bool").storage == "bool"
    assert cusynapse.History(3, dtype="float64", storage="float64").storage == "float64"
    history = cusynapse.History(3, storage=np.float16)
    assert (history.storage, history.dtype) == ("float16", "float32")
    with pytest.raises(TypeError, match="observation has dtype float16, expected float32"):
        history.push(np.zeros((1, 3), np.float16))
    for storage, dtype in (("float16", "float64"), ("bfloat16", "bool"), ("float32", "bool"),
                           ("int8", "float32"), ("float64", "float32")):
        with pytest.raises(cusynapse.InvalidArgument, match=f"History: storage is '{storage}'"):
            cusynapse.History(3, storage=storage, dtype=dtype)
    with pytest.raises(ValueError, match="dtype is 'float16', expected 'float32' or 'float64'"):
        cusynapse.History(3, dtype="float16")


@pytest.mark.parametrize("storage, unit", HALVES.items())
def test_stored_observations_differ_by_no_more_than_their_rounding(storage, unit, generator):
    values = generator.standard_normal((1, 1000)).astype(np.float32)
    history = cusynapse.History(1000, storage=storage)
    history.push(values)
    assert (abs(history.peek() - values) <= unit * abs(values)).all()
    assert (history.peek() != values).any()
    history.reset(0.7)
    np.testing.assert_array_equal(history.peek(), kept(np.full((1, 1000), 0.7), storage))
