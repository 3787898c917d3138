"""The conversation with one terminal, without I/O: frames and the time go in; frames, happenings and a deadline come out."""
