// The routes of each part of the API, in one table. Private to api.
#pragma once
#include "api/parts/call.h"

namespace tocsin::api {

void add_session_routes(Routes& routes);
void add_user_routes(Routes& routes);
void add_finding_routes(Routes& routes);
void add_search_routes(Routes& routes);
void add_export_routes(Routes& routes);
void add_saved_search_routes(Routes& routes);
void add_live_routes(Routes& routes);
void add_source_routes(Routes& routes);
void add_rule_routes(Routes& routes);
void add_health_routes(Routes& routes);
void add_setting_routes(Routes& routes);
void add_incident_routes(Routes& routes);
void add_incident_change_routes(Routes& routes);
void add_incident_view_routes(Routes& routes);
void add_incident_process_routes(Routes& routes);
void add_asset_routes(Routes& routes);
void add_entity_routes(Routes& routes);
void add_measure_routes(Routes& routes);
void add_sla_routes(Routes& routes);
void add_notification_routes(Routes& routes);
void add_suppression_routes(Routes& routes);
void add_triage_rule_routes(Routes& routes);
void add_evidence_routes(Routes& routes);
void add_review_routes(Routes& routes);
void add_report_routes(Routes& routes);
void add_coverage_routes(Routes& routes);
void add_self_test_routes(Routes& routes);

// The figures of a range, as their routes answer them: also for reports.
Reply get_measures(Call& call);
Reply review_measure(Call& call);

// Shared by session and user routes. `all`: with what only those who administer users see.
void write_user(core::JsonWriter& json, const ledger::User& user, const auth::RightSet& rights, bool all);

}  // namespace tocsin::api
