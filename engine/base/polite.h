/*
 * polite.h - threads that let others of the program go first, however politely the program itself was started.
 */
#ifndef LMSCOPE_ENGINE_BASE_POLITE_H
#define LMSCOPE_ENGINE_BASE_POLITE_H

/*
 * This thread alone runs `by` levels of niceness below the program's first one, which is what a person chose with nice(1). An
 * absolute level would let root's threads overtake the screen, and everybody else on the machine.
 */
void polite_thread(int by);

#endif
