// The child alone, for tests under a sanitizer: the engine's library cannot be loaded beside a sanitizer's run-time.
#include "store/store.h"

int main(int argc, char** argv) { return tocsin::store::run_store_process(argc, argv); }
