/* The quick start in C: one synapse, a few spikes, its current now and a little earlier. */
#include <cusynapse/cusynapse.h>
#include <stdio.h>
#include <stdlib.h>

static void check(cusynapse_status status) {
  if (status == CUSYNAPSE_SUCCESS) return;
  fprintf(stderr, "%s\n", cusynapse_last_error_message());
  exit(EXIT_FAILURE);
}

int main(void) {
  const cusynapse_stream stream = cusynapse_stream_cpu();
  cusynapse_synapse_options options;
  check(cusynapse_synapse_options_init(&options, sizeof options));
  options.shape = (cusynapse_shape){1, {1}}; /* one synapse, stepped every millisecond */
  options.step_time = 1.0;                   /* ms */
  options.delay = 10.0;                      /* ms */
  const cusynapse_model model = {.kind = CUSYNAPSE_SINGLE_EXPONENTIAL_CURRENT,
                                 .spike_charge = 20.0,  /* pC */
                                 .time_constant = 5.0}; /* ms */
  cusynapse_synapse* synapse = NULL;
  check(cusynapse_synapse_create(stream, CUSYNAPSE_FLOAT32, &options, &model, &synapse));

  const uint8_t spikes[] = {1, 0, 0, 0, 1, 0};
  const float delays[] = {0.0F, 2.5F}; /* ms */
  float currents[2];                   /* nA */
  const cusynapse_const_array selector = {delays, CUSYNAPSE_FLOAT32, {3, {1, 1, 2}}};
  const cusynapse_array out = {currents, CUSYNAPSE_FLOAT32, {3, {1, 1, 2}}};
  for (int step = 0; step < 6; ++step) {
    const cusynapse_const_array input = {&spikes[step], CUSYNAPSE_UINT8, {2, {1, 1}}};
    check(cusynapse_synapse_step(synapse, stream, input, NULL, 0));
    check(cusynapse_synapse_current_at(synapse, stream, selector, out));
    printf("%d ms: %.3f nA now, %.3f nA 2.5 ms ago\n", step, currents[0], currents[1]);
  }
  cusynapse_synapse_destroy(synapse);
  return EXIT_SUCCESS;
}
