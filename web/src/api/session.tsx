// Who is signed in, what he may do, and which tenants he sees.
import { useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useMemo, type ReactNode } from "react";
import { api, Problem, setCsrf, setSignedOutHandler } from "./client";
import type { Me, User } from "./types";

export interface Session {
  user: User; version: string; tenants: string[];
  may: (right: string) => boolean;
  signOut: () => Promise<void>;
}

const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("no session");
  return session;
}

export function useMe() {
  return useQuery({
    queryKey: ["me"], staleTime: Infinity, retry: false,
    queryFn: async () => {
      try {
        const me = await api.get<Me>("/me");
        setCsrf(me.csrf);
        return me;
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
  });
}

// Nothing of one user stays for the next.
function forget(client: QueryClient): void {
  client.setQueryData(["me"], null);
  client.removeQueries({ predicate: (query) => query.queryKey[0] !== "me" });
}

export function SessionProvider({ me, children }: { me: Me; children: ReactNode }) {
  const client = useQueryClient();
  useEffect(() => {
    setSignedOutHandler(() => forget(client));
  }, [client]);
  const session = useMemo<Session>(() => ({
    user: me.user, version: me.version, tenants: me.tenants,
    may: (right) => me.user.rights.includes(right),
    signOut: async () => {
      await api.post("/logout").catch(() => undefined);
      forget(client);
    },
  }), [me, client]);
  return <SessionContext.Provider value={session}>{children}</SessionContext.Provider>;
}
