#include "cusynapse/updater.hpp"

#include <string>
#include <utility>

#include "cusynapse/error.hpp"
#include "host/check.hpp"

namespace cusynapse {
namespace {

constexpr std::initializer_list<Parameter> all_parameters = {Parameter::weight, Parameter::bias,
                                                             Parameter::delay};

std::size_t index_of(Parameter parameter) { return static_cast<std::size_t>(parameter); }

void check_there(bool is_there, const char* function, const char* expected) {
  if (is_there) return;
  throw Error(Errc::not_supported, host::Where("Updater", function).name() +
                                       ": got a parameter that is not there, expected " + expected);
}

}  // namespace

template <class T>
Updater<T>::Updater(const Stream& stream, Connection<T>& connection) : connection_(&connection) {
  host::check_stream({"Updater", "Updater"}, stream, connection.device());
  for (const Parameter parameter : all_parameters) {
    if (!connection.has(parameter)) continue;
    accumulators_[index_of(parameter)].emplace(stream, connection.parameter_shape(parameter));
  }
}

template <class T>
Updater<T>::Updater(const Stream& stream, Connection<T>& connection,
                    std::initializer_list<Parameter> parameters)
    : connection_(&connection) {
  host::check_stream({"Updater", "Updater"}, stream, connection.device());
  for (const Parameter parameter : parameters) {
    check_there(connection.has(parameter), "Updater", "one the connection was built with");
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
  check_there(has(parameter), "operator[]", "one the updater was made for");
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
  check_there(has(parameter), "update", "one the updater was made for");
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

template class Updater<float>;
template class Updater<double>;

}  // namespace cusynapse
