// A change on the server: do it, say how it went, ask again for what it changed.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useState } from "react";
import { say, sayFailed } from "../ui/toast";

export function useChange(keys: string[]) {
  const client = useQueryClient();
  const [busy, setBusy] = useState(false);
  const joined = keys.join(" ");
  // True where it went well.
  const change = useCallback(async (what: string, done: string, action: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    try {
      await action();
      if (done) say(done);
      for (const key of joined.split(" ")) await client.invalidateQueries({ queryKey: [key] });
      return true;
    } catch (error) {
      sayFailed(what, error);
      return false;
    } finally {
      setBusy(false);
    }
  }, [client, joined]);
  return { busy, change };
}
