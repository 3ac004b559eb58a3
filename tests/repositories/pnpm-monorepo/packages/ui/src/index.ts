export const cursorStyles = ["auto", "pointer", "grab"] as const;
export const families = { gemini: "♊", claude: "un prénom", copilot: "second in command" };
