#include "cusynapse/updater.hpp"

#include <string>
#include <utility>

#include "cusynapse/error.hpp"
#include "host/check.hpp"
#include "host/state.hpp"

namespace cusynapse {
namespace {

constexpr const char* class_name = "Updater";

constexpr std::initializer_list<Parameter> all_parameters = {Parameter::weight, Parameter::bias,
                                                             Parameter::delay};

std::size_t index_of(Parameter parameter) { return static_cast<std::size_t>(parameter); }

void check_there(bool is_there, const char* function, Parameter parameter, const char* expected) {
  if (is_there) return;
  throw Error(Errc::not_supported, host::Where(class_name, function).name() + ": got " +
                                       host::name_of(parameter) + ", expected " + expected);
}

}  // namespace

template <class T>
Updater<T>::Updater(const Stream& stream, Connection<T>& connection) : connection_(&connection) {
  const host::Call call({class_name, class_name}, stream, connection.device());
  for (const Parameter parameter : all_parameters) {
    if (!connection.has(parameter)) continue;
    accumulators_[index_of(parameter)].emplace(stream, connection.parameter_shape(parameter));
  }
}

template <class T>
Updater<T>::Updater(const Stream& stream, Connection<T>& connection,
                    std::initializer_list<Parameter> parameters)
    : connection_(&connection) {
  const host::Call call({class_name, class_name}, stream, connection.device());
  for (const Parameter parameter : parameters) {
    check_there(connection.has(parameter), "Updater", parameter,
                "a parameter the connection was built with");
    accumulators_[index_of(parameter)].emplace(stream, connection.parameter_shape(parameter));
  }
}

template <class T>
Updater<T>::~Updater() = default;
template <class T>
Updater<T>::Updater(Updater&& other) noexcept = default;
template <class T>
Updater<T>& Updater<T>::operator=(Updater&& other) noexcept = default;

template <class T>
bool Updater<T>::has(Parameter parameter) const noexcept {
  const std::size_t index = index_of(parameter);
  return index < accumulators_.size() && accumulators_[index].has_value();
}

template <class T>
const Accumulator<T>& Updater<T>::operator[](Parameter parameter) const {
  check_there(has(parameter), "operator[]", parameter, "a parameter the updater was made for");
  return *accumulators_[index_of(parameter)];
}

template <class T>
Accumulator<T>& Updater<T>::operator[](Parameter parameter) {
  return const_cast<Accumulator<T>&>(std::as_const(*this)[parameter]);
}

template <class T>
void Updater<T>::update(const Stream& stream) {
  apply(stream, all_parameters);
}

template <class T>
void Updater<T>::update(const Stream& stream, Parameter parameter) {
  check_there(has(parameter), "update", parameter, "a parameter the updater was made for");
  apply(stream, {parameter});
}

template <class T>
void Updater<T>::apply(const Stream& stream, std::initializer_list<Parameter> parameters) {
  // Everything that can be refused comes before the first change.
  connection_->prepare(stream);
  for (const Parameter parameter : parameters) {
    if (has(parameter)) (*this)[parameter].reduce(stream);
  }
  for (const Parameter parameter : parameters) {
    if (has(parameter)) (*this)[parameter].apply(stream, connection_->edit(parameter).data());
  }
  connection_->prepare(stream);
}

template <class T>
void Updater<T>::clear(const Stream& stream) {
  for (auto& accumulator : accumulators_) {
    if (accumulator.has_value()) accumulator->clear(stream);
  }
}

template <class T>
std::vector<std::uint8_t> Updater<T>::save(const Stream& stream) const {
  StateWriter state = StateWriter::of<T>(class_name);
  for (const Parameter parameter : all_parameters) {
    state.flag(std::string("has_") + host::name_of(parameter), has(parameter));
    if (has(parameter)) state.state(host::name_of(parameter), (*this)[parameter].save(stream));
  }
  return state.finish();
}

template <class T>
void Updater<T>::load(const Stream& stream, StateBytes bytes) {
  const host::Where where{class_name, "load"};
  const host::Call call(where, stream, connection_->device());
  StateReader state(bytes);
  state.require<T>(class_name);
  std::array<std::optional<Accumulator<T>>, 3> loaded;
  for (const Parameter parameter : all_parameters) {
    const std::string name = host::name_of(parameter);
    if (state.flag("has_" + name) != has(parameter)) {
      state.refuse("record \"has_" + name + '"', has(parameter) ? "0" : "1",
                   std::string(has(parameter) ? "1" : "0") + " of the updater that loads it");
    }
    if (!has(parameter)) continue;
    StateReader part(state.state(name));
    loaded[index_of(parameter)] = (*this)[parameter].restored(stream, part);
  }
  state.finish();
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    if (loaded[i].has_value()) *accumulators_[i] = std::move(*loaded[i]);
  }
}

template class Updater<float>;
template class Updater<double>;

}  // namespace cusynapse
