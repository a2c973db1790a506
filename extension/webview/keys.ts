/** Keys that work wherever the focus is in the panel. callList.ts handles the keys of the list. */

interface Actions {
  readonly help: () => void;
  /** To the filter. */
  readonly filter: () => void;
}

export function listenToKeys(actions: Actions): void {
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement;
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key === 'a' && !typing) {
      event.preventDefault();
      selectAll();
      return;
    }
    const plain = !typing && !command && !event.altKey;
    if (event.key === '?' && plain) {
      event.preventDefault();
      actions.help();
      return;
    }
    const find = command && !event.shiftKey && !event.altKey && event.key === 'f';
    if (!find && (event.key !== '/' || !plain)) return;
    event.preventDefault();
    actions.filter();
  });
}

/** The text, without the buttons around it. */
function selectAll(): void {
  const text = document.querySelector('.details:not([hidden]) .tabpanel');
  if (text !== null) getSelection()?.selectAllChildren(text);
}
