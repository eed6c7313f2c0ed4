// The oracle of leaky integrate-and-fire neurons: one neuron after the other, one operation at a
// time.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace reference {

/// Everything neurons are made from. Times in ms, voltages in mV, resistance in MOhm.
struct NeuronSettings {
  std::int64_t batch_size = 1;
  std::int64_t sample_size = 1;
  double step_time = 1.0;
  double time_constant = 20.0;
  double rest_voltage = -60.0;
  double reset_voltage = -65.0;
  double threshold_voltage = -50.0;
  double refractory_period = 2.0;
  double resistance = 1.0;
};

/// The fewest steps that cover a time, which a billionth of it does not count against.
inline std::int64_t steps_that_cover(double time, double step_time) {
  std::int64_t steps = 0;
  while (static_cast<double>(steps) * step_time < time * (1 - 1e-9)) ++steps;
  return steps;
}

/// Neurons in arithmetic T: constants computed in double and rounded once, then one rounding an
/// operation.
template <class T>
class Neuron {
 public:
  explicit Neuron(const NeuronSettings& settings) : settings_(settings) { clear(); }

  const NeuronSettings& settings() const { return settings_; }
  std::int64_t size() const { return settings_.batch_size * settings_.sample_size; }
  const std::vector<T>& voltage() const { return voltage_; }
  const std::vector<std::uint8_t>& spike() const { return spike_; }
  std::vector<T> refractory_time() const {
    std::vector<T> out;
    for (const std::int64_t steps : held_steps_) {
      out.push_back(static_cast<T>(steps) * static_cast<T>(settings_.step_time));
    }
    return out;
  }

  void forward(const std::vector<T>& current) {
    const double exponent = -settings_.step_time / settings_.time_constant;
    const T decay = static_cast<T>(std::exp(exponent));
    const T gain = static_cast<T>(settings_.resistance * -std::expm1(exponent));
    const T rest = static_cast<T>(settings_.rest_voltage);
    for (std::size_t i = 0; i < voltage_.size(); ++i) {
      spike_[i] = 0;
      if (held_steps_[i] > 0) {
        held_steps_[i] -= 1;
        voltage_[i] = static_cast<T>(settings_.reset_voltage);
        continue;
      }
      const T above_rest = voltage_[i] - rest;
      const T decayed = above_rest * decay;
      const T driven = gain * current[i];
      const T sum = decayed + driven;
      voltage_[i] = rest + sum;
      if (voltage_[i] >= static_cast<T>(settings_.threshold_voltage)) {
        spike_[i] = 1;
        voltage_[i] = static_cast<T>(settings_.reset_voltage);
        held_steps_[i] = steps_that_cover(settings_.refractory_period, settings_.step_time);
      }
    }
  }

  void set_voltage(const std::vector<T>& voltage) { voltage_ = voltage; }

  void clear() {
    const auto count = static_cast<std::size_t>(size());
    voltage_.assign(count, static_cast<T>(settings_.rest_voltage));
    held_steps_.assign(count, 0);
    spike_.assign(count, 0);
  }

  void set_batch_size(std::int64_t batch_size) {
    const Neuron old = *this;
    settings_.batch_size = batch_size;
    clear();
    for (std::int64_t from_end = 1; from_end <= size() && from_end <= old.size(); ++from_end) {
      const auto to = static_cast<std::size_t>(size() - from_end);
      const auto from = static_cast<std::size_t>(old.size() - from_end);
      voltage_[to] = old.voltage_[from];
      held_steps_[to] = old.held_steps_[from];
      spike_[to] = old.spike_[from];
    }
  }

  void set_step_time(double step_time) {
    const std::int64_t most = steps_that_cover(settings_.refractory_period, step_time);
    for (std::int64_t& steps : held_steps_) {
      const double time_left = static_cast<double>(steps) * settings_.step_time;
      steps = steps_that_cover(time_left, step_time);
      if (steps > most) steps = most;
    }
    settings_.step_time = step_time;
  }

 private:
  NeuronSettings settings_;
  std::vector<T> voltage_;
  std::vector<std::int64_t> held_steps_;
  std::vector<std::uint8_t> spike_;
};

}  // namespace reference
