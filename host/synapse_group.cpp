#include <string>
#include <utility>

#include "cusynapse/synapse.hpp"
#include "host/check.hpp"

namespace cusynapse {

template <class T>
SynapseGroup<T>::SynapseGroup(const Stream& stream,
                              std::vector<std::unique_ptr<CurrentSynapse<T>>> members)
    : members_(std::move(members)) {
  const host::Where where{"SynapseGroup", "SynapseGroup"};
  if (members_.empty()) host::refuse(where, "number of members", "0", "at least 1");
  for (const auto& member : members_) {
    if (member == nullptr) host::refuse(where, "member", "null", "a synapse");
    host::check_stream(where, stream, member->device());
  }
  refresh(stream);
}

template <class T>
SynapseGroup<T>::~SynapseGroup() = default;
template <class T>
SynapseGroup<T>::SynapseGroup(SynapseGroup&& other) noexcept = default;
template <class T>
SynapseGroup<T>& SynapseGroup<T>::operator=(SynapseGroup&& other) noexcept {
  members_.swap(other.members_);
  versions_.swap(other.versions_);
  offsets_.swap(other.offsets_);
  std::swap(tile_count_, other.tile_count_);
  groups_.swap(other.groups_);
  tile_group_.swap(other.tile_group_);
  return *this;
}

template <class T>
void SynapseGroup<T>::refresh(const Stream& stream) {
  const host::Call call({"SynapseGroup", "refresh"}, stream, members_.front()->device());
  std::vector<std::uint64_t> versions;
  std::vector<std::int64_t> offsets = {0};
  std::vector<DecayInjectGroup<T>> groups;
  std::vector<std::int32_t> tile_group;
  for (const auto& member : members_) {
    DecayInjectGroup<T> group;
    group.step = member->step_arguments();
    group.input_offset = offsets.back();
    group.first_tile = static_cast<std::int64_t>(tile_group.size());
    group.tile_count = (group.step.size + group_tile - 1) / group_tile;
    tile_group.insert(tile_group.end(), static_cast<std::size_t>(group.tile_count),
                      static_cast<std::int32_t>(groups.size()));
    offsets.push_back(group.input_offset + slot_stride(group.step.size));
    versions.push_back(member->version());
    groups.push_back(group);
  }
  Buffer<DecayInjectGroup<T>> device_groups(stream, groups.data(),
                                            static_cast<std::int64_t>(groups.size()));
  Buffer<std::int32_t> device_tiles(stream, tile_group.data(),
                                    static_cast<std::int64_t>(tile_group.size()));
  versions_.swap(versions);
  offsets_.swap(offsets);
  tile_count_ = device_tiles.size();
  groups_.swap(device_groups);
  tile_group_.swap(device_tiles);
}

template <class T>
void SynapseGroup<T>::step(const Stream& stream, const SpikeInput<T>& input) {
  const host::Where where{"SynapseGroup", "step"};
  const host::Call call(where, stream, members_.front()->device());
  host::check_array(where, "input", input.data(), input.shape(), Shape{input_size()});
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (members_[i]->version() != versions_[i]) {
      host::refuse(where, "member " + std::to_string(i), "changed since the last refresh",
                   "a call of refresh before this step");
    }
  }
  DecayInjectGroups<T> arguments;
  arguments.groups = groups_.data();
  arguments.tile_group = tile_group_.data();
  arguments.tile_count = tile_count_;
  arguments.input_kind = input.kind();
  arguments.input = input.data();
  ops::decay_inject_grouped(stream, arguments);
}

template class SynapseGroup<float>;
template class SynapseGroup<double>;

}  // namespace cusynapse
