// What older servers do not have: null, so that its place stays empty.
import { useQuery } from "@tanstack/react-query";
import { api, Problem, type Query } from "../api/client";

export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

export function useOptional<T>(key: unknown[], path: string, query?: Query, options: { enabled?: boolean; staleTime?: number; refetchInterval?: number } = {}) {
  return useQuery({ queryKey: key, queryFn: ({ signal }) => orNull(api.get<T>(path, query, signal)), ...options });
}
