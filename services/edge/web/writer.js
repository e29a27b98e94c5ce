//  writer — the line to write in: grows with its text, sends on Enter (Shift+Enter: a new line);
//  on phones by its button only, as Enter is the only way to a new line there.

export function startWriter({ form, text, send, onSay, onTyping }) {
    const touch = window.matchMedia("(pointer: coarse)");
    const grow = () => {
        text.style.height = "auto";
        text.style.height = `${text.scrollHeight}px`;
        send.disabled = text.disabled || !text.value.trim();
    };
    text.addEventListener("input", () => {
        grow();
        onTyping(Boolean(text.value.trim()));
    });
    text.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing || touch.matches) return;
        event.preventDefault();
        form.requestSubmit();
    });
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        const said = text.value.trim();
        if (!said || text.disabled) return;
        text.value = "";
        grow();
        onSay(said);
        text.focus();
    });
    grow();
    return grow;
}
