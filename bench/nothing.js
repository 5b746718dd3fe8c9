// What Node costs before it does anything. Context for the figures, and the floor of a step that calls nobody.
