export const minPasswordBytes = 12;

// What can be told before the server is asked; it has the last word.
export function passwordProblem(name: string, password: string): string | undefined {
  if (new TextEncoder().encode(password).length < minPasswordBytes) return `At least ${minPasswordBytes} characters`;
  if (name && password.toLowerCase().includes(name.toLowerCase())) return "It must not contain the name";
  return undefined;
}
