export const tacticNames: Record<string, string> = {
  reconnaissance: "Reconnaissance", "resource-development": "Resource Development", "initial-access": "Initial Access",
  execution: "Execution", persistence: "Persistence", "privilege-escalation": "Privilege Escalation",
  "defense-evasion": "Defense Evasion", "credential-access": "Credential Access", discovery: "Discovery",
  "lateral-movement": "Lateral Movement", collection: "Collection", "command-and-control": "Command and Control",
  exfiltration: "Exfiltration", impact: "Impact",
};
export const tacticOrder = Object.keys(tacticNames);
export function tacticName(id: string): string { return tacticNames[id] ?? id; }
