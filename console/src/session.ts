import { useSyncExternalStore } from "react";

/**
 * The key of this tab: an operator key, or the token of a portal link. It is kept in the tab's
 * session storage, so that a reload keeps it and closing the tab forgets it. It is never in a URL
 * that is sent, and never on the page.
 */
const STORAGE_KEY = "ackwire.key";

interface Session {
  key: string | undefined;
  /** Why there is no key any more. */
  endedBecause?: string;
}

let session: Session = { key: takeFromFragment() ?? stored() };
const listeners = new Set<() => void>();

export const currentKey = (): string | undefined => session.key;

export function signIn(key: string): void {
  store(key);
  change({ key });
}

export function signOut(endedBecause?: string): void {
  if (session.key === undefined) return;
  store(undefined);
  change(endedBecause === undefined ? { key: undefined } : { key: undefined, endedBecause });
}

export function useSession(): Session {
  return useSyncExternalStore(onSessionChange, () => session);
}

/** Calls the listener after each change of the key. Returns a function that removes it. */
export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function change(next: Session): void {
  session = next;
  for (const listener of listeners) listener();
}

/** A portal link, `/portal#TOKEN`: no browser sends what is behind `#`, and it is taken out at once. */
function takeFromFragment(): string | undefined {
  const token = location.hash.slice(1);
  if (!token.startsWith("ackwire_portal_")) return undefined;
  history.replaceState(null, "", location.pathname === "/portal" ? "/" : location.pathname);
  store(token);
  return token;
}

// In a frame whose storage is refused, the key is kept in memory only.
function stored(): string | undefined {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

function store(key: string | undefined): void {
  try {
    if (key === undefined) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, key);
  } catch {
    // Kept in memory.
  }
}
