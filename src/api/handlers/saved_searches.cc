// Searches that people keep, and share.
#include <algorithm>
#include <charconv>
#include <map>

#include "api/handlers/handlers.h"

namespace tocsin::api {
namespace {

using ledger::Tables;

struct Found {
  std::vector<ledger::SavedSearch> searches;
  std::map<ledger::UserId, std::string> owners;
};

// Own ones, and shared ones of those who see no more than the caller: a query tells of what it looks for.
core::Result<Found> visible(Call& call) {
  Found out;
  const auto done = call.context.options.ledger->read([&](Tables& tables) -> core::Result<void> {
    out.searches = TOCSIN_TRY(tables.searches(call.who.user));
    for (const auto& user : TOCSIN_TRY(tables.users())) {
      const bool within =
          call.sees_all() ||
          (!user.tenants.empty() && std::ranges::all_of(user.tenants, [&](const auto& t) { return call.who.may_see(t); }));
      if (within || user.id == call.who.user) out.owners[user.id] = user.name;
    }
    return {};
  });
  if (!done.ok()) return done.error();
  std::erase_if(out.searches, [&](const auto& search) { return !out.owners.contains(search.owner); });
  return out;
}

void write_search(core::JsonWriter& json, const ledger::SavedSearch& search, const std::string& owner) {
  json.begin_object().member("id", std::to_string(search.id.value)).member("name", search.name).member("owner", owner);
  json.key("shared").boolean(search.shared).key("query").raw(search.query);
  write_time(json, "changed_at", search.changed_at);
  json.end_object();
}

Reply list(Call& call) {
  const Found found = TOCSIN_TRY(visible(call));
  std::string out;
  core::JsonWriter json(out);
  json.begin_object().key("items").begin_array();
  for (const auto& search : found.searches) write_search(json, search, found.owners.at(search.owner));
  json.end_array().end_object();
  return Reply::json(std::move(out));
}

std::optional<std::int64_t> id_of(Call& call) {
  const std::string& text = call.captured("id");
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

Reply save(Call& call, std::optional<std::int64_t> id) {
  Body body(call.request().body);
  ledger::SavedSearch search;
  search.owner = call.who.user;
  search.name = body.text("name");
  if (search.name.empty()) body.refuse("name", "must not be empty");
  search.query = body.object("query", ledger::kMaxJsonBytes);
  search.shared = body.optional_boolean("shared").value_or(false);
  search.changed_at = call.now();
  if (body.problem()) return *body.problem();
  const auto done = call.context.options.ledger->write([&](Tables& tables) -> core::Result<void> {
    if (id) {
      search.id = {*id};
      TOCSIN_TRY(tables.update_search(search));
    } else {
      search.id = TOCSIN_TRY(tables.insert_search(search));
    }
    TOCSIN_TRY(tables.append_audit({call.now(), call.who.name, "search.save", search.name, call.peer(), ""}));
    return {};
  });
  if (!done.ok()) return done.error();
  std::string out;
  core::JsonWriter json(out);
  write_search(json, search, call.who.name);
  return Reply::json(std::move(out), id ? 200 : 201);
}

Reply create(Call& call) { return save(call, std::nullopt); }
Reply change(Call& call) {
  const auto id = id_of(call);
  return id ? save(call, id) : Reply::problem(404, "there is no such search");
}
Reply remove(Call& call) {
  const auto id = id_of(call);
  bool removed = false;
  if (id) {
    const auto done = call.context.options.ledger->write([&](Tables& tables) -> core::Result<void> {
      removed = TOCSIN_TRY(tables.delete_search({*id}, call.who.user));
      if (!removed) return {};
      TOCSIN_TRY(tables.append_audit({call.now(), call.who.name, "search.remove", std::to_string(*id), call.peer(), ""}));
      return {};
    });
    if (!done.ok()) return done.error();
  }
  return removed ? Reply::nothing() : Reply::problem(404, "there is no such search of yours");
}

}  // namespace

void add_saved_search_routes(Routes& routes) {
  const char* tag = "search";
  const char* run = "search.run";
  const char* takes = "{name:text query:any shared?:bool}";
  for (RouteSpec spec :
       Routes{{"GET", "/api/v1/searches", run, tag, "Saved searches: own and shared ones", "", "", "{items:[Search]}", list},
              {"POST", "/api/v1/searches", run, tag, "Saves a search", "", takes, "Search", create, 201},
              {"PUT", "/api/v1/searches/{id}", run, tag, "Changes an own one", "", takes, "Search", change},
              {"DELETE", "/api/v1/searches/{id}", run, tag, "Removes an own one", "", "", "", remove}}) {
    routes.push_back(std::move(spec));
  }
}

}  // namespace tocsin::api
