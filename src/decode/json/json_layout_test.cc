#include "decode/json/json_events.h"
