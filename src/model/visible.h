/* DOC: what of a name can be seen: a name that cannot, or that hides something, deceives. */
#ifndef WARREN_MODEL_VISIBLE_H
#define WARREN_MODEL_VISIBLE_H

/* NULL when a printable text (text_printable) has a visible character and nothing hidden among
 * them; else why not, to follow the field's name. Joiners and selectors stay where they shape what
 * is seen: in emoji, and between letters of scripts that join (UTS 51, UAX 31). */
const char *visible_fault(const char *text);

#endif
