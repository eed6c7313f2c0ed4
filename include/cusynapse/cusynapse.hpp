// Everything public.
#pragma once

#include "cusynapse/buffer.hpp"
#include "cusynapse/error.hpp"
#include "cusynapse/history.hpp"
#include "cusynapse/math/arithmetic.hpp"
#include "cusynapse/math/bits.hpp"
#include "cusynapse/math/decay.hpp"
#include "cusynapse/math/exponential.hpp"
#include "cusynapse/math/interpolate.hpp"
#include "cusynapse/math/ring.hpp"
#include "cusynapse/models.hpp"
#include "cusynapse/ops.hpp"
#include "cusynapse/shape.hpp"
#include "cusynapse/stream.hpp"
#include "cusynapse/synapse.hpp"
#include "cusynapse/version.hpp"
#include "cusynapse/view.hpp"
