"""draws.py - the random numbers of noise.h: the same draws for the program and for what it is compared with."""
import math


def scramble(x):
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def normal(seed, row, column):
    bits = scramble(scramble(scramble(seed) ^ row) ^ column)
    return math.sqrt(-2 * math.log(((bits >> 32) + 0.5) / 2**32)) * math.cos(math.tau * (bits & 0xFFFFFFFF) / 2**32)


def uniform(seed, row, column):
    return (scramble(scramble(scramble(seed) ^ row) ^ column) >> 11) / 2**53
