/* The C of the README. */
#include <cusynapse/cusynapse.h>
#include <stdio.h>

int main(void) {
  cusynapse_synapse_options options;
  cusynapse_synapse_options_init(&options, sizeof options);
  options.shape = (cusynapse_shape){1, {1024}};
  options.delay = 10.0; /* ms */
  const cusynapse_model model = {
      .kind = CUSYNAPSE_SINGLE_EXPONENTIAL_CURRENT, .spike_charge = 20.0, .time_constant = 5.0};
  cusynapse_synapse* synapse = NULL;
  if (cusynapse_synapse_create(cusynapse_stream_cpu(), CUSYNAPSE_FLOAT32, &options, &model,
                               &synapse)) {
    fprintf(stderr, "%s\n", cusynapse_last_error_message());
  }

  const int made = synapse != NULL;
  cusynapse_synapse_destroy(synapse);
  return made ? 0 : 1;
}
