"""Setting up phones: the files that each make asks for, its phone book, and who may fetch them."""
