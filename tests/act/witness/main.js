// There is nothing to see yet; the runner only asks for this file.
