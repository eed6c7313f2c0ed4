/* A user's program in C: one spike through one synapse. */
#include <cusynapse/cusynapse.h>
#include <stdio.h>

int main(void) {
  const cusynapse_stream stream = cusynapse_stream_cpu();
  cusynapse_synapse_options options;
  cusynapse_synapse_options_init(&options, sizeof options);
  options.shape = (cusynapse_shape){1, {1}};
  const cusynapse_model model = {
      .kind = CUSYNAPSE_SINGLE_EXPONENTIAL_CURRENT, .spike_charge = 20.0, .time_constant = 5.0};
  const float spike = 1.0f;
  float current = 0.0f;
  const cusynapse_const_array input = {&spike, CUSYNAPSE_FLOAT32, {2, {1, 1}}};
  const cusynapse_array out = {&current, CUSYNAPSE_FLOAT32, {2, {1, 1}}};
  cusynapse_synapse* synapse = NULL;
  const int failed =
      cusynapse_synapse_create(stream, CUSYNAPSE_FLOAT32, &options, &model, &synapse) ||
      cusynapse_synapse_step(synapse, stream, input, NULL, 0) ||
      cusynapse_synapse_current(synapse, stream, out);
  cusynapse_synapse_destroy(synapse);
  if (failed) {
    fprintf(stderr, "%s\n", cusynapse_last_error_message());
    return 1;
  }
  printf("current %g nA\n", (double)current);
  return current == 4.0f ? 0 : 1;
}
